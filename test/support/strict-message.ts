/** Field values by lower-case name, in order. */
export type Fields = ReadonlyMap<string, readonly string[]>

/** How a body is delimited. */
export type Framed =
  | { readonly kind: 'length'; readonly length: number }
  | { readonly kind: 'chunked' }

const FIELD_LINE = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[\t ]*([\t\x20-\x7e\x80-\xff]*?)[\t ]*$/

/** Reads field lines up to the empty line (RFC 9112 section 5). A string: `cut`, or what is wrong. */
export function readFields(
  bytes: Buffer,
  from: number,
): { readonly fields: Fields; readonly end: number } | string {
  const fields = new Map<string, string[]>()
  let at = from
  for (;;) {
    const end = bytes.indexOf('\r\n', at, 'latin1')
    if (end === -1) return 'cut'
    if (end === at) return { fields, end: end + 2 }
    const line = FIELD_LINE.exec(bytes.toString('latin1', at, end))
    if (line === null) return 'a bad field line'
    const name = line[1]!.toLowerCase()
    fields.set(name, [...(fields.get(name) ?? []), line[2]!])
    at = end + 2
  }
}

/** Reads a delimited body (RFC 9112 sections 6 and 7). A string: `cut`, or what is wrong. */
export function readBody(
  bytes: Buffer,
  from: number,
  framed: Framed,
): { readonly body: Buffer; readonly trailers: Fields; readonly end: number } | string {
  if (framed.kind === 'length') {
    const end = from + framed.length
    if (end > bytes.length) return 'cut'
    return { body: bytes.subarray(from, end), trailers: new Map(), end }
  }
  const parts: Buffer[] = []
  let at = from
  for (;;) {
    const line = bytes.indexOf('\r\n', at, 'latin1')
    if (line === -1) return 'cut'
    const size = /^([0-9A-Fa-f]{1,12})(?:;[\t\x20-\x7e\x80-\xff]*)?$/.exec(
      bytes.toString('latin1', at, line),
    )
    if (size === null) return 'a bad chunk size'
    const length = parseInt(size[1]!, 16)
    at = line + 2
    if (length === 0) break
    if (at + length + 2 > bytes.length) return 'cut'
    parts.push(bytes.subarray(at, at + length))
    at += length
    if (bytes.toString('latin1', at, at + 2) !== '\r\n') return 'a chunk without an end'
    at += 2
  }
  const trailers = readFields(bytes, at)
  if (typeof trailers === 'string') return trailers
  return { body: Buffer.concat(parts), trailers: trailers.fields, end: trailers.end }
}
