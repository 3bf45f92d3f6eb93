import {
  CAPPED,
  describeWindow,
  windowChange,
  windowOf,
  type ChangeMetric,
  type MetricWindow,
} from './metric-window.ts'
import type { RolloutPlan } from './plan.ts'
import type { Minimum } from './step-minimums.ts'
import { teachingValues } from './teaching-values.ts'

/** What a step waits for longest. */
export type Longest = {
  /** A minimum's name, a hypothesis' id, or the window or the cap to be learnt that is most of either. */
  readonly slowest: string
  /** The window that `slowest` names; null = it names none. */
  readonly slowestWindow: MetricWindow | null
  /** The metric whose cap it says is learnt; null = it says so of none. */
  readonly slowestCap: string | null
}

/**
 * The one of `needed` that takes longest, or the window of its metric, or the learning of its cap, where that is more
 * than half of the time. `secondsOf`: how long one of them, by its name, takes under a plan that `change` has made.
 */
export function longestOf(
  plan: RolloutPlan,
  needed: readonly Minimum[],
  secondsOf: (changed: RolloutPlan, name: string) => number,
  change: ChangeMetric,
): Longest {
  const { name, seconds, metric } = needed.reduce((a, b) => (b.seconds > a.seconds ? b : a))
  const spec = plan.metrics.find((m) => m.name === metric)
  const window = windowOf(spec)
  // What is left without it is what the rest takes.
  const isMostly = (without: RolloutPlan) =>
    Number.isFinite(seconds) && secondsOf(without, name) < seconds / 2
  if (window !== null && isMostly(change(plan, window.metric, windowChange(window, 0)))) {
    return { slowest: describeWindow(window), slowestWindow: window, slowestCap: null }
  }
  const isTaught = spec !== undefined && teachingValues(spec) !== null
  if (isTaught && isMostly(change(plan, spec.name, CAPPED))) {
    const slowest = `learning the cap of ${spec.name}`
    return { slowest, slowestWindow: null, slowestCap: spec.name }
  }
  return { slowest: name, slowestWindow: null, slowestCap: null }
}
