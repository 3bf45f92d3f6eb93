import { cleanText, drawOn } from './clean-output.ts'
import type { CliOutput } from './cli-io.ts'
import { sizeOf } from './terminal-size.ts'

/** Draws blocks of lines over each other. */
export type Repainter = { readonly paint: (lines: readonly string[]) => void }

/**
 * Creates a repainter of a terminal: a block replaces the one before, line by line so that nothing
 * flickers, cut to the rows that there are (the cursor cannot go back to what has scrolled away).
 */
export function createRepainter(output: CliOutput): Repainter {
  let painted = 0
  return {
    paint: (lines) => {
      const room = Math.max(1, sizeOf(output).rows - 1)
      const shown =
        lines.length <= room
          ? lines
          : [...lines.slice(0, room - 1), `… ${lines.length - room + 1} more lines`]
      const back = painted === 0 ? '' : `\u001B[${painted}A`
      // To the end of each line, then of the screen: what the last block had more is gone.
      const block = shown.map((line) => `${cleanText(line, true)}\u001B[K\n`).join('')
      drawOn(output, `${back}${block}\u001B[J`)
      painted = shown.length
    },
  }
}
