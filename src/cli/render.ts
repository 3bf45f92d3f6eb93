import { styleText } from 'node:util'
import type { CliIo, CliOutput } from './cli-io.ts'
import { sizeOf } from './terminal-size.ts'
import { cutTo, widthOf } from './text-width.ts'

/** How a command prints: colours or none, and how many columns there are. */
export type Style = {
  /** Of sentences, at most 80. */
  readonly width: number
  /** The widest that a table may be: what goes to a file or another program is not cut. */
  readonly tableWidth: number
  readonly bold: (text: string) => string
  readonly good: (text: string) => string
  readonly bad: (text: string) => string
  readonly dim: (text: string) => string
}

/** Builds the style of an output: plain where it is no terminal or NO_COLOR is set (no-color.org). */
export function buildStyle(io: Pick<CliIo, 'env'>, output: CliOutput): Style {
  const isColoured = hasColours(io, output)
  const paint = (format: 'bold' | 'green' | 'red' | 'dim') => (text: string) =>
    isColoured ? styleText(format, text, { validateStream: false }) : text
  const { columns } = sizeOf(output)
  return {
    width: Math.min(80, columns),
    tableWidth: output.isTTY === true ? columns : Infinity,
    bold: paint('bold'),
    good: paint('green'),
    bad: paint('red'),
    dim: paint('dim'),
  }
}

/** Whether an output is painted: a terminal is, unless NO_COLOR is set. */
export function hasColours({ env }: Pick<CliIo, 'env'>, { isTTY }: CliOutput): boolean {
  return isTTY === true && (env['NO_COLOR'] ?? '') === ''
}

/** A cell of a table: a text, and how it is painted once its place is measured. */
export type Cell = string | { readonly text: string; readonly paint: (text: string) => string }

/**
 * Builds the lines of a table. Columns are as wide as their widest cell and stand two blanks apart;
 * those with `>` in `align` are set right. Nothing is wider than the style's tables.
 */
export function renderTable(
  rows: readonly (readonly Cell[])[],
  align: string,
  { tableWidth }: Pick<Style, 'tableWidth'>,
): readonly string[] {
  const widths = Array.from(align, (_, column) =>
    Math.max(0, ...rows.map((row) => widthOf(textOf(row[column] ?? '')))),
  )
  return rows.map((row) => {
    let left = tableWidth
    const cells = row.map((cell, column) => {
      const isLast = column === row.length - 1
      const text = textOf(cell)
      const rest = ' '.repeat(widths[column]! - widthOf(text))
      const padded = align[column] === '>' ? rest + text : isLast ? text : text + rest
      const shown = cut(padded, left)
      left = Math.max(0, left - widthOf(shown) - 2)
      return typeof cell === 'string' ? shown : cell.paint(shown)
    })
    return cells.join('  ').trimEnd()
  })
}

/** Breaks a text at blanks, but not before a percent sign, into lines of at most `width`; a longer word stands alone. */
export function wrap(text: string, width: number): readonly string[] {
  const lines: string[] = []
  for (const word of text.split(/ (?!%)/)) {
    const last = lines.at(-1)
    if (last !== undefined && widthOf(last) + 1 + widthOf(word) <= width) {
      lines[lines.length - 1] = `${last} ${word}`
    } else {
      lines.push(word)
    }
  }
  return lines
}

/** Writes a label in its own column and a text beside it, wrapped under itself. */
export function renderLabelled(label: string, text: string, width: number): readonly string[] {
  const indent = 12
  return wrap(text, Math.max(20, width - indent)).map(
    (line, index) => (index === 0 ? `  ${label}` : '').padEnd(indent) + line,
  )
}

/** Seconds in words: `45 s`, `2 min`, `3.5 h`, `2 d`. */
export function formatSeconds(seconds: number): string {
  if (seconds < 90) return `${Math.max(0, Math.round(seconds))} s`
  if (seconds < 90 * 60) return `${Math.round(seconds / 60)} min`
  if (seconds < 48 * 3600) return `${Number((seconds / 3600).toFixed(1))} h`
  return `${Number((seconds / 86_400).toFixed(1))} d`
}

function textOf(cell: Cell): string {
  return typeof cell === 'string' ? cell : cell.text
}

function cut(text: string, width: number): string {
  if (widthOf(text) <= width) return text
  return width <= 1 ? '' : `${cutTo(text, width - 1)}…`
}
