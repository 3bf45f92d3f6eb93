import type { Pair } from '../../../src/domain/cohort.ts'
import type { ComparisonVerdict } from '../../../src/domain/comparison.ts'
import { compareVariants } from '../../../src/rollout/compare-variants.ts'
import { comparisonState } from '../../../src/rollout/experiment.ts'
import { Attempt, eventTally } from '../attempt.ts'
import { binomial } from '../deviates.ts'
import { comparisonsFor } from '../plan.ts'
import type { Random } from '../random.ts'
import type { Finding, Scenario } from '../scenario.ts'

const WEIGHTS = { small: 30, large: 30 }
const REQUESTS = 1000
const TICKS = 300
const RATES = { errors: 0.02, conversion: 0.05 }

/** How a challenger's rates stand to the baseline's. */
type Factors = Readonly<Record<keyof typeof RATES, number>>

const ALIKE: Factors = { errors: 1, conversion: 1 }

/** Three variants at 40, 30 and 30 %, compared by errors and by conversion. */
export function experiments(): Scenario[] {
  const comparisons = comparisonsFor(
    {
      errors: { kind: 'error-rate', maxIncrease: '10%', floor: '0%' },
      conversion: { kind: 'conversion', event: 'purchase', window: '1s', maxDecrease: '10%' },
    },
    WEIGHTS,
  )
  // Where a hypothesis is only just true, or only just false, a false claim is as likely as it can be.
  const edge: Factors = { errors: 1.1, conversion: 0.9 }
  return [
    {
      name: 'abn-alike',
      title:
        'three variants at 40, 30 and 30 %, errors 2 % and conversion 5 % everywhere, 300 looks',
      question: 'false-rollback',
      rollouts: [600, 20],
      promises: { 'any worse': 0.05, 'any better': 0.05 },
      run: (random) => raceVariants(random, comparisons, ALIKE, ['any worse', 'any better']),
    },
    {
      name: 'abn-at-harm',
      title: 'both challengers 10 % worse by errors and by conversion, which is allowed',
      question: 'false-rollback',
      rollouts: [600, 20],
      promises: { 'any worse': 0.05 },
      run: (random) => raceVariants(random, comparisons, edge, ['any worse']),
    },
    {
      name: 'abn-at-margin',
      title: 'both challengers exactly 10 % worse by errors and by conversion, three variants',
      question: 'false-promotion',
      rollouts: [600, 20],
      promises: { 'any no worse or better': 0.05 },
      run: (random) => raceVariants(random, comparisons, edge, ['any no worse or better']),
    },
  ]
}

/** What may be said of any challenger by any metric. */
const CLAIMS: Readonly<Record<string, readonly (ComparisonVerdict | null)[]>> = {
  'any worse': ['worse'],
  'any better': ['better'],
  'any no worse or better': ['no-worse', 'better'],
}

/** After how many requests each of these claims stood. */
function raceVariants(
  random: Random,
  comparisons: ReturnType<typeof comparisonsFor>,
  factors: Factors,
  claims: readonly string[],
): Finding {
  const attempts = comparisons.map((comparison) => ({
    comparison,
    state: comparisonState(comparison, { attempt: 1, startedAt: 0 }, 1),
    attempt: new Attempt(comparison.plan),
  }))
  const acted: Record<string, number | null> = Object.fromEntries(claims.map((c) => [c, null]))
  for (let tick = 1; tick <= TICKS; tick += 1) {
    const first = binomial(random, REQUESTS, 0.3)
    const second = binomial(random, REQUESTS - first, 0.3 / 0.7)
    const baseline = drawRates(random, REQUESTS - first - second, ALIKE)
    const drawn = [drawRates(random, first, factors), drawRates(random, second, factors)]
    for (const [index, { comparison, state, attempt }] of attempts.entries()) {
      const own = drawn[index]!
      const cohort = attempt.open({ pi: comparison.weightBp / 10_000 })
      cohort.assigned = [baseline.n, own.n]
      for (const name of ['errors', 'conversion'] as const) {
        const events: Pair = [baseline[name], own[name]]
        const tally = eventTally({ units: [baseline.n, own.n], events })
        cohort.tallies[name] = tally
        cohort.tallies[`${name}/better`] = tally
      }
      attempt.fold(cohort)
      const { metrics } = compareVariants(comparison, state, attempt.evidence, {
        now: tick * 1000,
        latency: () => ({ value: null, n: 0 }),
      })
      for (const claim of claims) {
        const isMade = metrics.some((m) => CLAIMS[claim]!.includes(m.verdict))
        if (isMade) acted[claim] ??= tick * REQUESTS
      }
    }
  }
  return acted
}

function drawRates(random: Random, n: number, factors: Factors) {
  return {
    n,
    errors: binomial(random, n, RATES.errors * factors.errors),
    conversion: binomial(random, n, RATES.conversion * factors.conversion),
  }
}
