import type { CliOutput } from './cli-io.ts'

/** How large an output is, in characters; 80 by 24 where it is no terminal, or one that does not know (0). */
export function sizeOf({ columns, rows }: CliOutput): {
  readonly columns: number
  readonly rows: number
} {
  const known = (size: number | undefined, fallback: number) =>
    size === undefined || size === 0 ? fallback : size
  return { columns: known(columns, 80), rows: known(rows, 24) }
}
