import type { Pair } from '../domain/cohort.ts'
import { BASELINE_SIDE } from '../domain/cohort.ts'
import { isBeyondChance } from './beyond-chance.ts'

/** Units and their events, by side. */
export type Counts = { readonly trials: Readonly<Pair>; readonly events: Readonly<Pair> }

/** How much more often than before the event comes in an outage. */
const TIMES = 3

/** So unlikely is an outage to be seen where nothing has changed: 10⁻⁶ for each cohort. */
const LOG_CHANCE = Math.log(1e-6)

/**
 * Whether the baseline had an outage in a cohort: the event came at three times its share in the cohorts `before` or
 * more, and more often than chance allows, by the bound P(share ≥ q) ≤ exp(−n·KL(q ‖ p)) (Hoeffding, "Probability
 * inequalities for sums of bounded random variables", JASA 1963, theorem 1). p is the share before with one event more,
 * so that a short past says little.
 */
export function isBaselineOutage(before: Counts, now: Counts): boolean {
  const units = now.trials[BASELINE_SIDE]
  const events = now.events[BASELINE_SIDE]
  const usual = (before.events[BASELINE_SIDE] + 1) / (before.trials[BASELINE_SIDE] + 1)
  if (events === 0 || events < TIMES * usual * units) return false
  return isBeyondChance(units, events / units, usual, LOG_CHANCE)
}
