const DECIMAL = '0123456789.eE+-'

/** The number that a text is in decimal notation, else NaN: `Number` would also read '', blanks, `0x10` and `Infinity`. */
export function toDecimal(text: string): number {
  for (let at = 0; at < text.length; at++) {
    if (!DECIMAL.includes(text[at]!)) return Number.NaN
  }
  return text === '' ? Number.NaN : Number(text)
}
