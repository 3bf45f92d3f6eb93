/** The host of a `Host` header in lower case, without port and brackets; null where it is malformed or absent. */
export function parseHost(header: string | undefined): string | null {
  const match = /^(?:\[([0-9a-f:.]+)\]|([^\s:/?#@[\]]+))(?::\d{1,5})?$/i.exec(header ?? '')
  const host = match?.[1] ?? match?.[2]
  return host === undefined ? null : host.toLowerCase()
}
