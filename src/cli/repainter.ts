import type { CliOutput } from './cli-io.ts'

/** Draws blocks of lines over each other. */
export type Repainter = { readonly paint: (lines: readonly string[]) => void }

/**
 * Creates a repainter. On a terminal a block replaces the one before, cut to the rows that there are
 * (the cursor cannot go back to what has scrolled away); elsewhere the blocks follow one another.
 */
export function createRepainter(output: CliOutput): Repainter {
  let painted = 0
  return {
    paint: (lines) => {
      if (output.isTTY !== true) {
        output.write(`${lines.join('\n')}\n\n`)
        return
      }
      const room = Math.max(1, (output.rows ?? 24) - 1)
      const shown =
        lines.length <= room
          ? lines
          : [...lines.slice(0, room - 1), `… ${lines.length - room + 1} more lines`]
      const back = painted === 0 ? '' : `\u001B[${painted}A\u001B[J`
      output.write(`${back}${shown.join('\n')}\n`)
      painted = shown.length
    },
  }
}
