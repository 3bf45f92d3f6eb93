import type { Pair, Side } from '../../../src/domain/cohort.ts'
import { proofRatio } from '../../../src/domain/hypothesis.ts'
import { emptyBetTally } from '../../../src/metrics/tally.ts'
import type { RolloutPlan } from '../../../src/rollout/plan.ts'
import { replaceRatioUnit } from '../../../src/statistics/ratio-bet.ts'
import { Attempt } from '../attempt.ts'
import { binomial } from '../deviates.ts'
import { hypothesisOf, planFor } from '../plan.ts'
import type { Random } from '../random.ts'
import type { Finding, Scenario } from '../scenario.ts'

const ID = 'clicks'
const [PI, UNITS, TICKS, DAY, VIEWS] = [0.2, 150, 150, 100, 20]

/** Clicks per view, of a canary that shows more or fewer views than the baseline, while clicks go up and down over the day. */
export function clicksPerView(): Scenario[] {
  const planOf = (maxDecrease: string) => {
    const counts = { numerator: 'click', denominator: 'view', window: '1s', cap: VIEWS }
    return planFor({ [ID]: { kind: 'ratio', ...counts, maxDecrease } }, { maxTicks: TICKS })
  }
  const [equal, margin] = [planOf('0%'), planOf('10%')]
  const day = 'clicks per view between 10 and 30 % over the day'
  return [
    [1.3, '30 % more views'] as const,
    [0.7, '30 % fewer views'] as const,
    [1, 'as many views'] as const,
  ].flatMap(([views, words]): Scenario[] => [
    {
      name: `ratio-alike-${views}`,
      title: `${day}, alike; the canary has ${words}, 20 % canary, 150 looks every 150 units`,
      question: 'false-rollback',
      rollouts: [400, 40],
      promises: { serin: 0.05 },
      run: (random) => raceClicks(random, equal, views, 1, (attempt) => attempt.isHarmed()),
    },
    {
      name: `ratio-margin-${views}`,
      title: `${day}, exactly 10 % fewer; the canary has ${words}`,
      question: 'false-promotion',
      rollouts: [400, 40],
      promises: { serin: 0.05 },
      run: (random) => raceClicks(random, margin, views, 0.9, (attempt) => attempt.isProved(ID)),
    },
  ])
}

function raceClicks(
  random: Random,
  plan: RolloutPlan,
  views: number,
  times: number,
  acts: (attempt: Attempt) => boolean,
): Finding {
  const attempt = new Attempt(plan)
  const hypothesis = hypothesisOf(plan, ID)
  const place = { pi: PI, harm: hypothesis.harm.ratio, proof: proofRatio(hypothesis) }
  for (let tick = 1; tick <= TICKS; tick += 1) {
    const clicks = 0.2 * (1 + 0.5 * Math.sin((2 * Math.PI * tick) / DAY))
    const cohort = attempt.open({ pi: PI })
    const tally = emptyBetTally('ratio')
    const units: Pair = [0, 0]
    for (let i = 0; i < UNITS; i += 1) {
      const side: Side = random() < PI ? 1 : 0
      const viewed = binomial(random, VIEWS, side === 1 ? 0.2 * views : 0.2)
      const clicked = binomial(random, viewed, side === 1 ? clicks * times : clicks)
      units[side] += 1
      replaceRatioUnit(tally, cohort.terms.bets[ID], side, [0, 0], [clicked, viewed], place)
    }
    cohort.assigned = units
    // Of a ratio every unit drawn is judged.
    cohort.tallies = { [ID]: { ...tally, n: units } }
    attempt.fold(cohort)
    if (acts(attempt)) return { serin: tick * UNITS }
  }
  return { serin: null }
}
