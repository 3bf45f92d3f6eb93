import type { Table } from './build-tables.ts'

/** A table for the terminal: columns in line, numbers to the right. */
export function renderText({ title, rows }: Table): string {
  const widths = rows[0]!.map((_, i) => Math.max(...rows.map((row) => row[i]!.length)))
  const lines = rows.map((row) =>
    row
      .map((cell, i) => (i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!)))
      .join('  '),
  )
  return [title, ...lines].join('\n')
}

/** A table for a document, without its title. */
export function renderMarkdown({ rows: [head, ...rows] }: Table): string {
  const line = (cells: readonly string[]) => `| ${cells.map(escape).join(' | ')} |`
  const rule = head!.map((_, i) => (i === 0 ? '---' : '---:'))
  return [line(head!), line(rule), ...rows.map(line)].join('\n')
}

function escape(cell: string): string {
  return cell.replaceAll('*', String.raw`\*`)
}
