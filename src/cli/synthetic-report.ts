import { drawableRules, type LeftOut } from '../rollout/drawable-rules.ts'
import type { RolloutPlan } from '../rollout/plan.ts'
import type { SyntheticEnd } from '../rollout/synthetic.ts'
import { shareInterval } from '../statistics/share-interval.ts'

/** How rollouts on made-up traffic ended, as `-o json` prints it. */
export type SyntheticReport = {
  readonly service: string
  readonly rules: string
  readonly runs: number
  readonly seed: number
  /** What of the rules made-up traffic cannot answer, so that nothing was decided by it. */
  readonly leftOut: readonly LeftOut[]
  readonly ends: readonly EndReport[]
}

/**
 * One way to end. Shares are fractions of all runs, with an interval of 95 %; times in seconds, null where no run ended so,
 * and of promotions where something that they wait for is left out.
 */
export type EndReport = {
  readonly end: SyntheticEnd['end']
  readonly count: number
  readonly share: number
  readonly lower: number
  readonly upper: number
  readonly p50Seconds: number | null
  readonly p80Seconds: number | null
  /** What decided it, most frequent first, and at which weights (percent) it was decided. */
  readonly reasons: readonly { readonly reason: string; readonly count: number }[]
  readonly weights: readonly { readonly percent: number; readonly count: number }[]
}

const ENDS: readonly SyntheticEnd['end'][] = ['rolled-back', 'promoted', 'paused', 'inconclusive']

/** Level 1 − α of the intervals of shares. */
const ALPHA = 0.05

/** Counts how rollouts ended. */
export function buildSyntheticReport(
  plan: RolloutPlan,
  from: { readonly rules: string; readonly seed: number },
  runs: readonly SyntheticEnd[],
): SyntheticReport {
  const { leftOut } = drawableRules(plan)
  const isTimed = (end: SyntheticEnd['end']) =>
    end !== 'promoted' || leftOut.every(({ decides }) => !decides)
  return {
    service: plan.service,
    rules: from.rules,
    runs: runs.length,
    seed: from.seed,
    leftOut,
    ends: ENDS.map((end) => endReport(end, runs, isTimed(end))),
  }
}

function endReport(
  end: SyntheticEnd['end'],
  runs: readonly SyntheticEnd[],
  isTimed: boolean,
): EndReport {
  const found = runs.filter((r) => r.end === end)
  const [lower, upper] = shareInterval(found.length, runs.length, ALPHA)
  const seconds = (isTimed ? found : []).map((r) => r.afterMs / 1000).sort((a, b) => a - b)
  // The smallest time by which that share of these rollouts has ended.
  const quantile = (q: number) => seconds[Math.ceil(q * seconds.length) - 1] ?? null
  return {
    end,
    count: found.length,
    share: found.length / runs.length,
    lower,
    upper,
    p50Seconds: quantile(0.5),
    p80Seconds: quantile(0.8),
    reasons: countBy(found, (r) => r.reason).map(([reason, count]) => ({ reason, count })),
    weights: countBy(found, (r) => r.weightBp / 100).map(([percent, count]) => ({
      percent,
      count,
    })),
  }
}

function countBy<T>(runs: readonly SyntheticEnd[], of: (run: SyntheticEnd) => T): [T, number][] {
  const counts = new Map<T, number>()
  for (const run of runs) counts.set(of(run), (counts.get(of(run)) ?? 0) + 1)
  return [...counts].sort((a, b) => b[1] - a[1])
}
