/**
 * Columns of a terminal that a text takes: letters of East Asia (UAX #11, wide and fullwidth) and emoji two, marks that
 * stand on a letter none.
 */
export function widthOf(text: string): number {
  if (NARROW.test(text)) return text.length
  return lettersOf(text).reduce((width, letter) => width + widthOfLetter(letter), 0)
}

/** The beginning of a text that takes at most so many columns; no letter is cut apart. */
export function cutTo(text: string, width: number): string {
  if (NARROW.test(text)) return text.slice(0, width)
  let left = width
  const letters = lettersOf(text)
  const end = letters.findIndex((letter) => (left -= widthOfLetter(letter)) < 0)
  return (end === -1 ? letters : letters.slice(0, end)).join('')
}

/** Latin letters, and what tables are drawn with. */
const NARROW = /^[\u0020-\u024f\u2010-\u2027\u2190-\u21ff\u2500-\u25a0]*$/

const WIDE =
  /^(?:[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\ua960-\ua97c\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6\u{1b000}-\u{1b2ff}\u{20000}-\u{3fffd}]|\p{Emoji_Presentation})/u

/** As people count them: with their marks, and emoji that are joined as one. */
const LETTERS = new Intl.Segmenter(undefined, { granularity: 'grapheme' })

function lettersOf(text: string): readonly string[] {
  return Array.from(LETTERS.segment(text), ({ segment }) => segment)
}

function widthOfLetter(letter: string): number {
  return WIDE.test(letter) ? 2 : 1
}
