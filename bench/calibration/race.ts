import type { RolloutPlan } from '../../src/rollout/plan.ts'
import { harmLogEvidence } from '../../src/statistics/label-bet.ts'
import { Attempt, eventTally, type Place } from './attempt.ts'
import type { EventTick, Watcher } from './rivals.ts'
import type { Finding } from './scenario.ts'

/** A tick of a race, with its step where there are several. */
export type RaceTick = EventTick & Pick<Place, 'step'>

/**
 * Shows the same ticks to every method until each has acted or the ticks end. After how many requests each
 * of them acted.
 */
export function race(
  ticks: Iterable<RaceTick>,
  methods: Readonly<Record<string, (tick: RaceTick) => boolean>>,
): Finding {
  const acted: Record<string, number | null> = {}
  const waiting = new Map(Object.entries(methods))
  for (const method of waiting.keys()) acted[method] = null
  let requests = 0
  for (const tick of ticks) {
    requests += tick.units[0] + tick.units[1]
    for (const [method, acts] of waiting) {
      if (!acts(tick)) continue
      acted[method] = requests
      waiting.delete(method)
    }
    if (waiting.size === 0) break
  }
  return acted
}

/** serin, watching the first hypothesis of a plan for harm. */
export function serinHarm(plan: RolloutPlan): Watcher {
  return serinHarms(plan, { serin: plan.hypotheses[0]!.harm.alpha })['serin']!
}

/** The same at several α: the evidence does not depend on it, and is gathered once. */
export function serinHarms(
  plan: RolloutPlan,
  alphas: Readonly<Record<string, number>>,
): Readonly<Record<string, Watcher>> {
  const attempt = new Attempt(plan)
  const { id } = plan.hypotheses[0]!
  let folded: RaceTick | null = null
  return Object.fromEntries(
    Object.entries(alphas).map(([name, alpha]) => [
      name,
      (tick: RaceTick) => {
        if (tick !== folded) foldTick(attempt, tick)
        folded = tick
        return attempt.evidence.hypotheses[id]!.sup.harm >= Math.log(1 / alpha)
      },
    ]),
  )
}

/** The label bets from the first tick on, at α = 5 % and one weight: what the planner plans. */
export function plainHarm(): Watcher {
  const seen = { baseline: 0, canary: 0, trials: 0 }
  return ({ pi, events }) => {
    seen.baseline += events[0]
    seen.canary += events[1]
    return harmLogEvidence([{ pi, ...seen }], 1) >= Math.log(20)
  }
}

/** serin, proving the first hypothesis of a plan. */
export function serinProof(plan: RolloutPlan): Watcher {
  const attempt = new Attempt(plan, true)
  const { id } = plan.hypotheses[0]!
  return (tick: RaceTick) => {
    foldTick(attempt, tick)
    return attempt.isProved(id)
  }
}

function foldTick(attempt: Attempt, tick: RaceTick): void {
  const cohort = attempt.open(tick)
  cohort.tallies[attempt.plan.hypotheses[0]!.id] = eventTally(tick)
  attempt.fold(cohort)
}
