import type { Clock } from '../domain/clock.ts'
import { cleanText, drawOn } from './clean-output.ts'
import type { CliOutput } from './cli-io.ts'
import { formatSeconds } from './render.ts'
import { sizeOf } from './terminal-size.ts'
import { cutTo } from './text-width.ts'

/** One line that says how far something is, drawn over itself. */
export type ProgressLine = {
  /** Shows what `describe` gives, five times a second at most. */
  readonly show: (describe: () => string) => void
  /** Takes the line away, so that what is printed next stands at its place. */
  readonly clear: () => void
}

/** Between two drawings, in ms. */
const REDRAW_MS = 200

/** Creates a progress line; nothing is written where the output is no terminal. */
export function createProgressLine(
  output: CliOutput,
  clock: Pick<Clock, 'monotonic'>,
): ProgressLine {
  let shownAt: number | null = null
  return {
    show: (describe) => {
      if (output.isTTY !== true) return
      const now = clock.monotonic()
      if (shownAt !== null && now - shownAt < REDRAW_MS) return
      shownAt = now
      // A line that wraps could not be drawn over.
      const line = cutTo(cleanText(describe(), true), sizeOf(output).columns - 1)
      drawOn(output, `\r${line}\u001B[K`)
    },
    clear: () => {
      if (shownAt !== null) drawOn(output, '\r\u001B[K')
      shownAt = null
    },
  }
}

/** How long the rest takes of what took so many seconds for `share` of it, in (0, 1]: `about 6 s left`. */
export function describeRest(share: number, seconds: number): string {
  return `about ${formatSeconds((seconds / share) * (1 - share))} left`
}
