import t from 'tap'
import type { Pair } from '../../src/domain/cohort.ts'
import type { EventEvidence } from '../../src/domain/evidence.ts'
import type { MetricReport, ShownSince } from '../../src/domain/verdict.ts'
import { describeSince } from '../../src/rollout/describe-since.ts'
import { judge, type JudgeContext } from '../../src/rollout/judge.ts'
import { shownSince } from '../../src/rollout/shown-since.ts'
import { summarize } from '../../src/rollout/summary.ts'
import { bets, cohort, events, evidenceOf } from '../fakes/evidence.ts'
import { harmed, plan, report, seen } from '../fakes/rollout.ts'
import { ERRORS, RMSE } from '../fakes/simulated-service.ts'

const OF = plan({ analysis: { metrics: [ERRORS, RMSE] } })

/** A cohort of errors, in a step and since a start point of the same number. */
function errors(number: number, place: number, pi: number, trials: Pair, failed: Pair) {
  const tallies = { errors: events(trials, failed) }
  return cohort(OF, { number, step: place, epoch: place, pi, tallies })
}

/** The report on a metric after the cohorts, in the second step. */
function judged(
  cohorts: Parameters<typeof evidenceOf>[1],
  change: { readonly starts: readonly number[]; readonly stepStart: number },
  name = 'errors',
): MetricReport {
  const context: JudgeContext = {
    ...{ limits: [], step: 1, stepEnteredAt: 0, now: 0, pi: 0.2, unitsPerSecond: 100 },
    latency: () => ({ value: null, n: 0 }),
  }
  const found = judge(OF, evidenceOf(OF, cohorts, change), context).find((r) => r.name === name)!
  t.equal(found.verdict, 'failed')
  return found
}

// While both fail, at 5 %, an outage that is not the canary's; at 20 % it fails alone.
const OUTAGE = [
  errors(1, 0, 0.05, [9500, 500], [760, 40]),
  errors(2, 1, 0.2, [800, 200], [8, 18]),
] as const

t.test(
  'harm that an outage of the baseline hides in the whole is told of the time it shows in',
  (t) => {
    const late = judged(OUTAGE, { starts: [1, 2], stepStart: 1 })
    t.match(
      summarize.harm(late, seen()),
      /^Rolled back by errors: 8\.29 % on the canary \(n 700\) against 7\.46 % on the baseline \(n 10,300\); since this step began \(1,000 units judged\) about 9 % against 1 %; the evidence for "worse than the baseline" stands at/,
    )
    const later = judged(OUTAGE, { starts: [1, 2], stepStart: 0 })
    t.equal(describeSince(later), '; in the last 1,000 units judged about 9 % against 1 %')
    t.end()
  },
)

t.test(
  'a rate that changed together with the weights is told with these taken into account',
  (t) => {
    const mixed = [
      errors(1, 0, 0.05, [19_000, 1000], [3800, 240]),
      { ...errors(2, 1, 0.5, [10_000, 10_000], [100, 200]), epoch: 0 },
    ]
    t.match(
      summarize.harm(judged(mixed, { starts: [1], stepStart: 0 }), seen()),
      'errors: 4 % on the canary (n 11,000) against 13.4 % on the baseline (n 29,000); with the weights taken into account (40,000 units judged) about 13 % against 10.5 %; the evidence',
    )
    t.end()
  },
)

t.test('what the values of the attempt show by themselves needs no other', (t) => {
  const plain = [errors(1, 0, 0.2, [8000, 2000], [80, 80])]
  t.equal(describeSince(judged(plain, { starts: [1], stepStart: 0 })), '')
  t.end()
})

t.test('of values that are bet on the step alone is known beside the attempt', (t) => {
  const values = (number: number, place: number, mean: Pair, harm: number) => {
    const tallies = { rmse: bets([800, 200], mean, 0, harm) }
    return cohort(OF, { number, step: place, epoch: place, tallies })
  }
  // Mean squares: the baseline's outage makes its own larger.
  const cohorts = [values(1, 0, [81, 9], -9), values(2, 1, [9, 49], 12)]
  const inStep = judged(cohorts, { starts: [1, 2], stepStart: 1 }, 'rmse')
  t.equal(describeSince(inStep), '; since this step began (1,000 units judged) about 7 against 3')
  const elsewhere = judged(cohorts, { starts: [1, 2], stepStart: 0 }, 'rmse')
  t.equal(describeSince(elsewhere), '', 'the interval around the ratio shows nothing either')
  t.end()
})

t.test('where nothing else is known the interval tells, on the side of harm alone', (t) => {
  const ratio = { estimate: 1.4, lower: 1.1, upper: 1.9, method: 'exact' } as const
  const alike = { baseline: { value: 0.02, n: 900 }, canary: { value: 0.02, n: 100 } }
  const said = '; with the weights taken into account the ratio is 1.4, between 1.1 and 1.9'
  const of = (change: Partial<MetricReport>) =>
    describeSince(harmed({ ...alike, ratio, ...change }))
  t.equal(of({}), said)
  t.equal(of({ ratio: null }), '')
  t.equal(of({ ratio: { ...ratio, lower: 0.9 } }), '')
  const fall = { ...ratio, estimate: 0.8, lower: 0.7, upper: 0.95 }
  t.match(of({ better: 'higher', ratio: fall }), 'the ratio is 0.8, between 0.7 and 0.95')
  t.equal(of({ better: 'higher', ratio: { ...fall, upper: 1.2 } }), '')
  t.equal(of({ better: 'higher', canary: { value: 0.01, n: 100 } }), '', 'the values show it')
  const unknown: ShownSince = { point: 'later', units: 0, baseline: Number.NaN, canary: Infinity }
  t.equal(of({ since: unknown }), said, 'no units')
  t.equal(of({ canary: { value: null, n: 0 } }), said)
  t.equal(of({ baseline: { value: null, n: 0 } }), said)
  t.end()
})

t.test('of a latency it is told of the shares that are slow', (t) => {
  const since: ShownSince = { point: 'step', units: 500, baseline: 0.05, canary: 0.2 }
  const slow = { baseline: 0.06, canary: 0.06 }
  const margins = { harm: 0.1, proof: 0.1 }
  t.equal(
    describeSince(report({ kind: 'latency', ratio: null, margins, slow, since })),
    '; since this step began (500 units judged) about 20 % against 5 %',
  )
  t.end()
})

t.test('events of keys from before a start point are no share of those since', (t) => {
  const [hypothesis] = OF.hypotheses
  const { errors: found } = evidenceOf(OF, [errors(1, 0, 0.2, [800, 200], [8, 18])]).hypotheses
  const since = (trials: number) => {
    const harm = [[{ pi: 0.2, baseline: 8, canary: 18, trials }]]
    return shownSince(hypothesis!, { ...(found as EventEvidence), harm }, 0)
  }
  t.match(since(1000), { baseline: 0.01, canary: 0.09 })
  t.equal(since(89), undefined)
  t.equal(since(0), undefined)
  t.end()
})
