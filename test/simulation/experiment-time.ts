import { createRandom } from '../../src/demo/seeded-random.ts'
import type { Pair } from '../../src/domain/cohort.ts'
import type { Hypothesis } from '../../src/domain/hypothesis.ts'
import { compareVariants } from '../../src/rollout/compare-variants.ts'
import { comparisonState } from '../../src/rollout/experiment.ts'
import type { ComparisonPlan, ExperimentPlan } from '../../src/rollout/experiment-plan.ts'
import { windowSeconds } from '../../src/rollout/figures.ts'
import { foldHypothesis } from '../../src/rollout/fold-cohort.ts'
import { drawnShare } from '../../src/rollout/forecast-experiment.ts'
import { emptyEvidence } from '../../src/statistics/empty-evidence.ts'
import { drawBinomial } from '../../src/statistics/sampling.ts'
import { cohort, events } from '../fakes/evidence.ts'

/** Traffic under which every variant is as good as the baseline; `shares` of events, by hypothesis. */
export type ExperimentTrial = {
  /** Units a second, of all variants. */
  readonly unitsPerSecond: number
  readonly shares: Readonly<Record<string, number>>
}

/** Seconds within which half, and four of five, of the experiments know all that is required of a challenger. */
export type Found = { readonly p50: number; readonly p80: number }

/**
 * Runs the pure part of each comparison (folding, verdicts) on drawn cohorts, `runs` times from seeds of their own, until
 * nothing required is unknown. All of its required metrics have to count events. By challenger.
 */
export function simulateExperiment(
  plan: ExperimentPlan,
  trial: ExperimentTrial,
  runs: number,
): Readonly<Record<string, Found>> {
  const found = plan.comparisons.map((comparison) => {
    const unitsPerSecond = trial.unitsPerSecond * drawnShare(plan.weightsBp, comparison.variant)
    const times = Array.from({ length: runs }, (_, run) =>
      runOnce(comparison, { ...trial, unitsPerSecond }, run + 1),
    ).sort((a, b) => a - b)
    const at = (share: number) => times[Math.floor(runs * share)]!
    return [comparison.variant, { p50: at(0.5), p80: at(0.8) }] as const
  })
  return Object.fromEntries(found)
}

function runOnce(
  comparison: ComparisonPlan,
  { unitsPerSecond, shares }: ExperimentTrial,
  seed: number,
): number {
  const random = createRandom(seed)
  const { plan, weightBp } = comparison
  const pi = weightBp / 10_000
  const state = comparisonState(comparison, { attempt: 1, startedAt: 0 }, 1)
  const [interval, warmUp] = [
    plan.spec.analysis.intervalMs / 1000,
    plan.spec.analysis.warmUpMs / 1000,
  ]
  const waiting = plan.hypotheses
    .filter((h) => shares[nameOf(h)] !== undefined)
    .map((hypothesis) => ({ hypothesis, cohorts: [] as { at: number; drawn: Drawn }[] }))
  let evidence = emptyEvidence('1.4->2.0#1', plan.hypotheses, 1)
  for (let number = 1; ; number++) {
    const at = number * interval
    if (at > warmUp) {
      const drawn = draw(random, Math.round(unitsPerSecond * interval), pi, shares)
      for (const { cohorts } of waiting) cohorts.push({ at, drawn })
    }
    for (const { hypothesis, cohorts } of waiting) {
      while (cohorts.length > 0 && cohorts[0]!.at + windowSeconds(hypothesis) <= at) {
        const { drawn } = cohorts.shift()!
        const tally = events(drawn.units, drawn.happened[nameOf(hypothesis)]!)
        const tallies = { [hypothesis.id]: tally }
        const folded = cohort(plan, { number, pi, assigned: drawn.units, tallies })
        evidence = foldHypothesis(evidence, hypothesis, folded, () => [[], []])
      }
    }
    const sight = { now: at * 1000, latency: () => ({ value: null, n: 0 }), unitsPerSecond: 0 }
    const { metrics } = compareVariants(comparison, state, evidence, sight)
    // A false alarm is a verdict too: at most one experiment in twenty has one.
    const isKnown = metrics.every(
      ({ report, verdict }) => !report.required || verdict !== 'unknown',
    )
    if (isKnown) return at
  }
}

type Drawn = { readonly units: Pair; readonly happened: Readonly<Record<string, Pair>> }

function draw(
  random: () => number,
  units: number,
  pi: number,
  shares: ExperimentTrial['shares'],
): Drawn {
  const canary = drawBinomial(random, units, pi)
  const happened = Object.entries(shares).map(([name, share]): [string, Pair] => [
    name,
    [drawBinomial(random, units - canary, share), drawBinomial(random, canary, share)],
  ])
  return { units: [units - canary, canary], happened: Object.fromEntries(happened) }
}

/** The same counts answer whether it is no worse, and whether it is better. */
function nameOf({ id }: Hypothesis): string {
  return id.replace(/\/better$/, '')
}
