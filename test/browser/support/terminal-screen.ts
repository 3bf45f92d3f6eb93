/** How a character is painted: the few ways that serin has (`buildStyle`). */
type Paint = {
  readonly bold: boolean
  readonly dim: boolean
  readonly colour: 'green' | 'red' | null
}

type Cell = { readonly text: string; readonly paint: Paint }

const PLAIN: Paint = { bold: false, dim: false, colour: null }

const ESC = '\u001B'
const TOKENS = new RegExp(`${ESC}\\[([\\d;]*)([A-Za-z])|[^]`, 'gu')
const UNFINISHED = new RegExp(`${ESC}(?:\\[[\\d;]*)?$`)

/** What each of the codes that serin writes makes of how characters are painted (ECMA-48, SGR). */
const CODES: Readonly<Record<string, Partial<Paint>>> = {
  '': PLAIN,
  0: PLAIN,
  1: { bold: true },
  2: { dim: true },
  22: { bold: false, dim: false },
  31: { colour: 'red' },
  32: { colour: 'green' },
  39: { colour: null },
}

/**
 * What a terminal of so many columns shows of what was written to it. It knows the control sequences that serin
 * writes, and throws on any other: a picture never leaves out what it does not understand.
 */
export class TerminalScreen {
  readonly #columns: number
  readonly #rows: Cell[][] = [[]]
  #row = 0
  #column = 0
  #paint: Paint = PLAIN
  /** The beginning of a sequence whose end has not come yet. */
  #rest = ''

  constructor(columns: number) {
    this.#columns = columns
  }

  /** Takes what a program writes, in pieces of any size. */
  write(piece: string): void {
    const text = this.#rest + piece
    const [open] = UNFINISHED.exec(text) ?? ['']
    this.#rest = open
    const whole = text.slice(0, text.length - open.length)
    for (const [token, code, letter] of whole.matchAll(TOKENS)) {
      if (letter === undefined) this.#put(token)
      else this.#obey(code!, letter)
    }
  }

  /** The rows as text. */
  get lines(): readonly string[] {
    return this.#rows.map((row) =>
      row
        .map(({ text }) => text)
        .join('')
        .trimEnd(),
    )
  }

  /** Rows as HTML: a span for each run of characters that are painted alike, with its paint as classes. */
  toHtml(from: number, to: number): string {
    return this.#rows.slice(from, to).map(rowToHtml).join('\n')
  }

  #put(text: string): void {
    if (text === '\r') this.#column = 0
    else if (text === '\n') this.#moveTo(this.#row + 1)
    else if (text < ' ' || text === '\u007F') throw unknown(text)
    else {
      if (this.#column === this.#columns) {
        this.#moveTo(this.#row + 1)
        this.#column = 0
      }
      const row = this.#rows[this.#row]!
      while (row.length < this.#column) row.push({ text: ' ', paint: PLAIN })
      row[this.#column++] = { text, paint: this.#paint }
    }
  }

  #obey(code: string, letter: string): void {
    if (letter === 'A') this.#moveTo(Math.max(0, this.#row - Number(code)))
    else if (letter === 'K' && code === '') this.#rows[this.#row]!.length = this.#column
    else if (letter === 'J' && code === '') {
      this.#rows[this.#row]!.length = this.#column
      this.#rows.length = this.#row + 1
    } else if (letter === 'm' && code in CODES) this.#paint = { ...this.#paint, ...CODES[code] }
    else throw unknown(`${ESC}[${code}${letter}`)
  }

  #moveTo(row: number): void {
    while (this.#rows.length <= row) this.#rows.push([])
    this.#row = row
  }
}

function rowToHtml(row: readonly Cell[]): string {
  const runs: { readonly paint: string; text: string }[] = []
  for (const { text, paint } of row) {
    const painted = classesOf(paint)
    const last = runs.at(-1)
    if (last?.paint === painted) last.text += text
    else runs.push({ paint: painted, text })
  }
  return runs.map((run) => `<span class="${run.paint}">${escape(run.text)}</span>`).join('')
}

function classesOf({ bold, dim, colour }: Paint): string {
  return [
    ...(bold ? ['bold'] : []),
    ...(dim ? ['dim'] : []),
    ...(colour === null ? [] : [colour]),
  ].join(' ')
}

function escape(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
}

function unknown(sequence: string): Error {
  return new Error(`${JSON.stringify(sequence)} is nothing that this screen can show`)
}
