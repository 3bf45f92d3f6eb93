/** Characters of a foreign text that an error repeats. */
const SHOWN_CHARS = 40

/** Names that an error lists. */
const SHOWN_NAMES = 10

/** A text as an error repeats it: in quotes, and cut, so that no answer is much longer than what it answers. */
export function quote(text: string): string {
  return JSON.stringify(text.length > SHOWN_CHARS ? `${text.slice(0, SHOWN_CHARS)}…` : text)
}

/** Names as an error lists them: the first ten. */
export function listNames(names: readonly string[]): string {
  return names.length > SHOWN_NAMES
    ? `${names.slice(0, SHOWN_NAMES).join(', ')}, …`
    : names.join(', ')
}
