/** A member of a list (RFC 9651 section 3.1): commas within quotes separate nothing. */
const MEMBER = /(?:[^",]|"(?:[^"\\]|\\.)*"?)+/g

/**
 * A `Proxy-Status` field (RFC 9209) without the members that name this gateway: a server that answers through it learns the
 * name from `Via`, and must not speak in it. Those of other proxies stay as they are, in their order; '' = none is left.
 */
export function membersOfOthers(value: string, name: string): string {
  const members = value.match(MEMBER) ?? []
  return members
    .map((member) => member.trim())
    .filter((member) => member !== '' && /^"?([^";\s]*)/.exec(member)![1] !== name)
    .join(', ')
}
