import { describeWindow, windowOf, withWindow, type MetricWindow } from './metric-window.ts'
import type { RolloutPlan } from './plan.ts'
import type { Minimum } from './step-minimums.ts'

/** What a step waits for longest. */
export type Longest = {
  /** A minimum's name, a hypothesis' id, or a window that is most of either. */
  readonly slowest: string
  /** The window that `slowest` names; null = it names none. */
  readonly slowestWindow: MetricWindow | null
}

/**
 * The one of `needed` that takes longest, or the window of its metric where that is more than half of the
 * time. `secondsOf`: how long one of them, by its name, takes under a plan that is changed.
 */
export function longestOf(
  plan: RolloutPlan,
  needed: readonly Minimum[],
  secondsOf: (changed: RolloutPlan, name: string) => number,
): Longest {
  const { name, seconds, metric } = needed.reduce((a, b) => (b.seconds > a.seconds ? b : a))
  const window = windowOf(plan.metrics.find((m) => m.name === metric))
  // Without a window nothing is waited for, so what is left is what the rest takes.
  const isMostly =
    window !== null &&
    Number.isFinite(seconds) &&
    secondsOf(withWindow(plan, window, 0), name) < seconds / 2
  return isMostly
    ? { slowest: describeWindow(window), slowestWindow: window }
    : { slowest: name, slowestWindow: null }
}
