import { isIP } from 'node:net'

/** Whether a host name or address, without port, means this machine alone (RFC 6761 §6.3, RFC 1122 §3.2.1.3). */
export function isLoopback(host: string): boolean {
  const name = host.toLowerCase().replace(/^\[|\]$/g, '')
  if (name === 'localhost' || name === '::1') return true
  return isIP(name) === 4 && name.startsWith('127.')
}

/** The host of a `Host` header in lower case, without port and brackets; null where it is malformed or absent. */
export function parseHost(header: string | undefined): string | null {
  const match = /^(?:\[([0-9a-f:.]+)\]|([^\s:/?#@[\]]+))(?::\d{1,5})?$/i.exec(header ?? '')
  const host = match?.[1] ?? match?.[2]
  return host === undefined ? null : host.toLowerCase()
}
