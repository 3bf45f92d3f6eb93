import { formatCount } from '../rollout/format.ts'
import type { CliIo } from './cli-io.ts'
import { createProgressLine, describeRest } from './progress-line.ts'

/** Told how many cohorts of how many are done. */
export type OnCohorts = (done: number, of: number) => void

/** How far a backtest is, on one line of stderr. */
export type BacktestProgress = {
  /** Begins another part of the work, whose rest is reckoned from its own beginning. */
  readonly begin: (doing: 'read' | 'judged') => OnCohorts
  /** Takes the line away. */
  readonly clear: () => void
}

/** Creates the progress of a backtest; nothing is written where stderr is no terminal. */
export function createBacktestProgress(io: CliIo): BacktestProgress {
  const line = createProgressLine(io.stderr, io.clock)
  return {
    begin: (doing) => {
      const startedAt = io.clock.monotonic()
      return (done, of) =>
        line.show(() => {
          const seconds = (io.clock.monotonic() - startedAt) / 1000
          const rest = done === 0 ? '' : `, ${describeRest(done / of, seconds)}`
          return `${formatCount(done)} of ${formatCount(of)} cohorts ${doing}${rest}`
        })
    },
    clear: line.clear,
  }
}
