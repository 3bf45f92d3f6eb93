/**
 * Encodes text as a *byte string*: UTF-8, one byte per character (codes 0–255). Header values that were
 * decoded as latin1 are byte strings already, so that everything routing compares or hashes is bytes.
 * ASCII text comes back as it is; lone surrogates become U+FFFD, as in the WHATWG encoder.
 */
export function toByteString(text: string): string {
  let ascii = 0
  while (ascii < text.length && text.charCodeAt(ascii) < 0x80) ascii++
  if (ascii === text.length) return text
  let bytes = text.slice(0, ascii)
  for (const character of text.slice(ascii)) bytes += encodeCodePoint(character.codePointAt(0)!)
  return bytes
}

/** Encodes one code point as the byte string of its UTF-8 form (RFC 3629 §3); surrogates become U+FFFD. */
export function encodeCodePoint(codePoint: number): string {
  if (codePoint < 0x80) return String.fromCharCode(codePoint)
  if (codePoint < 0x800) return String.fromCharCode(0xc0 | (codePoint >> 6), tail(codePoint))
  if (codePoint >= 0xd800 && codePoint <= 0xdfff) return '\u00ef\u00bf\u00bd'
  if (codePoint < 0x10000) {
    return String.fromCharCode(0xe0 | (codePoint >> 12), tail(codePoint >> 6), tail(codePoint))
  }
  return String.fromCharCode(
    0xf0 | (codePoint >> 18),
    tail(codePoint >> 12),
    tail(codePoint >> 6),
    tail(codePoint),
  )
}

function tail(bits: number): number {
  return 0x80 | (bits & 0x3f)
}
