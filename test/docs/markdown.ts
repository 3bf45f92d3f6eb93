/** A table in Markdown; bars, and stars outside of code, are escaped in its cells. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.map(escape).join(' | ')} |`
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n')
}

function escape(cell: string): string {
  const parts = cell.replaceAll('|', '\\|').split(/(`[^`]*`)/)
  return parts.map((part) => (part.startsWith('`') ? part : part.replaceAll('*', '\\*'))).join('')
}

/** A value or a word as code. */
export function code(value: unknown): string {
  return `\`${typeof value === 'string' ? value : JSON.stringify(value)}\``
}

/** A block of code. */
export function fence(language: string, text: string): string {
  return ['```' + language, text.trimEnd(), '```'].join('\n')
}
