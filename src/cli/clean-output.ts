import type { CliOutput } from './cli-io.ts'

/**
 * What would steer a terminal, or change what a line seems to say: control characters (C0, C1), separators of lines,
 * marks of the direction of writing (CVE-2021-42574), halves of pairs. The first alternative is what colours are made of
 * here (`buildStyle`).
 */
const STEERING =
  // oxlint-disable-next-line no-control-regex
  /(\u001B\[(?:[12]|22|31|32|39)m)|(?![\n\t])[\p{Cc}\p{Zl}\p{Zp}\p{Cs}\p{Bidi_Control}]/gu

/**
 * Makes what would steer the terminal visible, as JSON writes it (`\u001b`): so JSON stays what it is. Where
 * `hasColours`, bold, dim, red and green pass, whoever wrote them.
 */
export function cleanText(text: string, hasColours: boolean): string {
  return text.replace(STEERING, (found, colour: string | undefined) =>
    hasColours && colour !== undefined ? colour : `${escape(found)}${found.slice(1)}`,
  )
}

/** An output to which text from elsewhere (files, answers of servers) can be written; what is drawn passes as it is. */
export function cleanOutput(output: CliOutput, hasColours: boolean): CliOutput {
  return {
    write: (text) => output.write(cleanText(text, hasColours)),
    draw: (text) => output.write(text),
    get isTTY() {
      return output.isTTY
    },
    get columns() {
      return output.columns
    },
    get rows() {
      return output.rows
    },
  }
}

/** Writes what moves the cursor: text from elsewhere stands in it clean, or not at all. */
export function drawOn(output: CliOutput, text: string): void {
  if (output.draw === undefined) output.write(text)
  else output.draw(text)
}

/** Of the first character; none of them has more than four digits. */
function escape(text: string): string {
  return `\\u${text.charCodeAt(0).toString(16).padStart(4, '0')}`
}
