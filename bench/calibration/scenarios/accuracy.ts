import type { Pair } from '../../../src/domain/cohort.ts'
import { addBet } from '../../../src/statistics/mean-bet.ts'
import { Attempt, Bets } from '../attempt.ts'
import { binomial } from '../deviates.ts'
import { hypothesisOf, planFor } from '../plan.ts'
import type { Random } from '../random.ts'
import type { Finding, Scenario } from '../scenario.ts'

const ID = 'accuracy'

/** Right answers of a baseline that is hardly ever wrong, and of a canary. */
type AnswerRace = {
  readonly right: Readonly<Pair>
  /** `maxDecrease`, in per cent. */
  readonly margin: number
  readonly pi: number
  readonly requests: number
  readonly ticks: number
}

/** Classes of models that are nearly always right: exactly at the margin, alike, and wrong far more often. */
export function accuracy(): Scenario[] {
  const right = [0.999, 0.999 * 0.95] as const
  const margin: AnswerRace = { right, margin: 5, pi: 0.2, requests: 500, ticks: 100 }
  return [
    {
      name: 'accuracy-margin-harm',
      title: '99.9 % right answers, exactly 5 % fewer, which is allowed, 20 % canary',
      question: 'false-rollback',
      rollouts: [1000, 100],
      promises: { serin: 0.05 },
      run: (random) => raceAnswers(random, margin, (attempt) => attempt.isHarmed()),
    },
    {
      name: 'accuracy-margin',
      title: '99.9 % right answers, exactly 5 % fewer, 20 % canary, 100 looks every 500 requests',
      question: 'false-promotion',
      rollouts: [1000, 100],
      promises: { serin: 0.05 },
      run: (random) => raceAnswers(random, margin, (attempt) => attempt.isProved(ID)),
    },
    ...(
      [
        ['accuracy-tight', 0.99, 'alike, to be proved within 0.5 %', 'proof'],
        ['accuracy-tight-margin', 0.99 * 0.995, 'exactly 0.5 % fewer', 'false-promotion'],
      ] as const
    ).map(([name, canary, words, question]): Scenario => {
      const race = {
        right: [0.99, canary],
        margin: 0.5,
        pi: 0.2,
        requests: 500,
        ticks: 200,
      } as const
      return {
        name,
        title: `99 % right answers, ${words}, 20 % canary, 200 looks every 500 requests`,
        question,
        rollouts: [400, 40],
        ...(question === 'proof' ? {} : { promises: { serin: 0.05 } }),
        run: (random) => raceAnswers(random, race, (attempt) => attempt.isProved(ID)),
      }
    }),
    ...(
      [
        [0.05, [0.999, 0.9], 5, 150],
        [0.2, [0.99, 0.9], 5, 150],
        [0.2, [0.99, 0.98], 0.5, 400],
      ] as const
    ).map(([pi, right, allowed, ticks]): Scenario => {
      const race = { pi, right, margin: allowed, requests: 250, ticks }
      return {
        name: `accuracy-worse-${pi}-${right.join('-')}`,
        title: `right answers ${percent(right[0])} → ${percent(right[1])}, margin ${allowed} %, ${percent(pi)} canary, a look every 250 requests`,
        question: 'detection',
        rollouts: [400, 40],
        run: (random) => raceAnswers(random, race, (attempt) => attempt.isHarmed()),
      }
    }),
  ]
}

/** Draws how many are right, books them as the gateway books answers one by one, and looks after each tick. */
function raceAnswers(
  random: Random,
  { right, margin, pi, requests, ticks }: AnswerRace,
  acts: (attempt: Attempt) => boolean,
): Finding {
  const metric = { kind: 'accuracy', maxDecrease: `${margin}%`, labelWindow: '1s' }
  const attempt = new Attempt(planFor({ [ID]: metric }, { maxTicks: ticks }))
  const hypothesis = hypothesisOf(attempt.plan, ID)
  for (let tick = 1; tick <= ticks; tick += 1) {
    const cohort = attempt.open({ pi })
    const { tally } = new Bets(cohort, hypothesis)
    const terms = cohort.terms.bets[ID]
    const canary = binomial(random, requests, pi)
    for (const [side, n] of [[0, requests - canary] as const, [1, canary] as const]) {
      const ones = binomial(random, n, right[side])
      tally.n[side] += n
      tally.sum[side] += ones
      tally.sumSq[side] += ones
      if (terms === undefined) continue
      const ratios = [hypothesis.harm.ratio, hypothesis.proof!.ratio] as const
      addBet(tally, terms, side, 1, pi, ...ratios, ones)
      addBet(tally, terms, side, 0, pi, ...ratios, n - ones)
    }
    cohort.tallies[ID] = tally
    attempt.fold(cohort)
    if (acts(attempt)) return { serin: tick * requests }
  }
  return { serin: null }
}

function percent(share: number): string {
  return `${Number((share * 100).toFixed(1))} %`
}
