import { fc } from '../support/fast-check.ts'
import t from 'tap'
import type { BetTally, EventTally, Pair, Side } from '../../src/domain/cohort.ts'
import type { BetEvidence, EventEvidence, EventStratum } from '../../src/domain/evidence.ts'
import type { Hypothesis } from '../../src/domain/hypothesis.ts'
import { emptyEvidence } from '../../src/statistics/empty-evidence.ts'
import { foldBets, foldEvents } from '../../src/statistics/fold.ts'
import { LogHistogram } from '../../src/statistics/histogram.ts'
import {
  FALL_CHANGES,
  HARM_GRID,
  harmLogEvidence,
  proofLogEvidence,
} from '../../src/statistics/label-bet.ts'
import { addBet, centredBets } from '../../src/statistics/mean-bet.ts'
import { eventRatioInterval } from '../../src/statistics/ratio-interval.ts'
import { mixStarts } from '../../src/statistics/start-mixture.ts'

const pi = fc.double({ min: 0.01, max: 0.99, noNaN: true })
const ratio = fc.double({ min: 0.3, max: 3, noNaN: true })
const count = fc.integer({ min: 0, max: 300 })
const stratum: fc.Arbitrary<EventStratum> = fc
  .record({ pi, baseline: count, canary: count, quiet: fc.integer({ min: 0, max: 100_000 }) })
  .map(({ quiet, ...rest }) => ({ ...rest, trials: rest.baseline + rest.canary + quiet }))
const strata = fc.array(stratum, { maxLength: 4 })
const floor = fc.constantFrom(0, 0.001, 0.05)
const observations = fc.array(
  fc.record({ side: fc.constantFrom<Side>(0, 1), y: fc.double({ min: 0, max: 20, noNaN: true }) }),
  { maxLength: 60 },
)
const basis = fc.record({
  pi,
  ratio,
  mean: fc.double({ min: 0.01, max: 10, noNaN: true }),
  variance: fc.double({ min: 0, max: 50, noNaN: true }),
  cap: fc.constant(10),
})

t.test('Tallies of two replicas, added, give the evidence of the whole.', async () => {
  fc.assert(
    fc.property(stratum, stratum, ratio, floor, (a, b, ratio_, floor_) => {
      const second = { ...b, pi: a.pi }
      const whole: EventStratum = {
        pi: a.pi,
        baseline: a.baseline + b.baseline,
        canary: a.canary + b.canary,
        trials: a.trials + b.trials,
      }
      return (
        close(harmLogEvidence([a, second], ratio_), harmLogEvidence([whole], ratio_)) &&
        close(
          proofLogEvidence([a, second], ratio_, floor_),
          proofLogEvidence([whole], ratio_, floor_),
        )
      )
    }),
  )
})

t.test('Two cohorts folded one by one, or merged into one, give the same evidence.', async () => {
  fc.assert(
    fc.property(stratum, stratum, (a, b) => {
      const [one, two] = [tallyOf(a), tallyOf(b)]
      const add = (x: Pair, y: Pair): Pair => [x[0] + y[0], x[1] + y[1]]
      const events = add(one.events, two.events)
      const trials = add(one.trials, two.trials)
      const merged = { ...one, trials, events, harmEvents: events }
      const apart = [one, two].reduce(foldTally, emptyEvents())
      const together = foldTally(emptyEvents(), merged, 1)
      return (
        JSON.stringify([apart.harm, apart.proof, apart.stepProof, apart.trials, apart.events]) ===
        JSON.stringify([
          together.harm,
          together.proof,
          together.stepProof,
          together.trials,
          together.events,
        ])
      )
    }),
  )
})

t.test(
  'The order within a cohort does not matter, nor how it is shared over replicas.',
  async () => {
    fc.assert(
      fc.property(observations, basis, fc.nat(), (list, of, cut) => {
        const forwards = fill(list, of)
        const backwards = fill([...list].reverse(), of)
        const at = list.length === 0 ? 0 : cut % list.length
        const [left, right] = [fill(list.slice(0, at), of), fill(list.slice(at), of)]
        return forwards.harm.every(
          (log, bet) =>
            close(log, backwards.harm[bet]!) &&
            close(log, left.harm[bet]! + right.harm[bet]!) &&
            close(forwards.proof[bet]!, backwards.proof[bet]!),
        )
      }),
    )
  },
)

t.test(
  'Before the first event E is 1, for every weight, ratio and number of start points.',
  async () => {
    fc.assert(
      fc.property(pi, ratio, fc.integer({ min: 1, max: 16 }), (pi_, ratio_, starts) => {
        const none = [{ pi: pi_, baseline: 0, canary: 0, trials: 0 }]
        return (
          harmLogEvidence(none, ratio_) === 0 &&
          proofLogEvidence(none, ratio_, 0.001) === 0 &&
          close(mixStarts(Array.from({ length: starts }, () => 0)), 0)
        )
      }),
    )
  },
)

t.test('The unit in which errors are measured does not change the evidence.', async () => {
  fc.assert(
    fc.property(
      observations,
      basis,
      fc.double({ min: 0.001, max: 1000, noNaN: true }),
      (list, of, unit) => {
        const scaled = list.map(({ side, y }) => ({ side, y: y * unit }))
        const scaledBasis = {
          ...of,
          mean: of.mean * unit,
          variance: of.variance * unit ** 2,
          cap: of.cap * unit,
        }
        const [plain, other] = [fill(list, of), fill(scaled, scaledBasis)]
        return plain.harm.every(
          (log, bet) => close(log, other.harm[bet]!) && close(plain.proof[bet]!, other.proof[bet]!),
        )
      },
    ),
  )
})

t.test(
  'Harm of one arm is proof of the other: arms swapped, weight and ratio turned round.',
  async () => {
    fc.assert(
      fc.property(strata, ratio, (list, ratio_) => {
        const swapped = list.map((s) => ({
          ...s,
          pi: 1 - s.pi,
          baseline: s.canary,
          canary: s.baseline,
        }))
        return close(
          harmLogEvidence(list, ratio_),
          proofLogEvidence(swapped, 1 / ratio_, 0, FALL_CHANGES),
        )
      }),
    )
  },
)

t.test('No value up to the cap can lose a bet everything.', async () => {
  fc.assert(
    fc.property(observations, basis, (list, of) => {
      const tally = fill(list, of)
      // At 0.8 of the limit each factor is at least 0.2.
      const least = list.length * Math.log(0.2) - 1e-9
      return [...tally.harm, ...tally.proof].every((log) => log >= least)
    }),
  )
})

t.test('A floor only ever helps the proof, and more so where fewer units fail.', async () => {
  fc.assert(
    fc.property(strata, ratio, (list, ratio_) => {
      const [without, with1, with2] = [0, 0.001, 0.01].map((f) => proofLogEvidence(list, ratio_, f))
      return Number.isFinite(without) && with1! >= without! - 1e-9 && with2! >= with1! - 1e-9
    }),
  )
})

t.test('Harm falls and proof rises with the ratio that is asked about.', async () => {
  fc.assert(
    fc.property(strata, ratio, fc.double({ min: 1, max: 2, noNaN: true }), (list, ratio_, by) => {
      const higher = ratio_ * by
      return (
        harmLogEvidence(list, higher) <= harmLogEvidence(list, ratio_) + 1e-9 &&
        proofLogEvidence(list, higher, 0) >= proofLogEvidence(list, ratio_, 0) - 1e-9
      )
    }),
  )
})

t.test('An interval of an event ratio contains its estimate.', async () => {
  fc.assert(
    fc.property(strata, fc.constantFrom(0.001, 0.025, 0.3), (list, alpha) => {
      const up = { alpha, changes: HARM_GRID }
      const down = { alpha, changes: FALL_CHANGES }
      const interval = eventRatioInterval(list, { up, down })
      if (interval === null) return list.reduce((sum, s) => sum + s.baseline, 0) < 10
      const slack = 1e-6 * interval.estimate
      return (
        interval.lower <= interval.estimate + slack && interval.upper >= interval.estimate - slack
      )
    }),
  )
})

t.test('Suprema never fall, whatever comes.', async () => {
  fc.assert(
    fc.property(fc.array(stratum, { maxLength: 8 }), observations, basis, (list, seen, of) => {
      let events = emptyEvents()
      let bets = emptyEvidence('r', [RMSE], 0).hypotheses['rmse'] as BetEvidence
      for (const [cohort, each] of list.entries()) {
        const place = { cohort, step: 0, pi: each.pi, epoch: cohort, starts: cohort + 1 }
        const nextEvents = foldEvents(
          events,
          { ...place, tally: tallyOf(each), harmSince: null },
          ERRORS,
        )
        const nextBets = foldBets(bets, { ...place, tally: fill(seen, of) }, RMSE)
        if (!rises(events, nextEvents) || !rises(bets, nextBets)) return false
        events = nextEvents
        bets = nextBets
      }
      return true
    }),
  )
})

t.test(
  'Merged histograms are the histogram of the whole, and quantiles are within 2 %.',
  async () => {
    const values = fc.array(fc.double({ min: 0.001, max: 3_600_000, noNaN: true }), {
      minLength: 1,
    })
    const share = fc.double({ min: 0.01, max: 1, noNaN: true })
    fc.assert(
      fc.property(values, values, share, (a, b, q) => {
        const [left, right, whole] = [a, b, [...a, ...b]].map((list) => {
          const histogram = new LogHistogram()
          for (const value of list) histogram.add(value)
          return histogram
        }) as [LogHistogram, LogHistogram, LogHistogram]
        left.merge(right)
        const sorted = Float64Array.from([...a, ...b]).sort()
        const exact = sorted[Math.ceil(q * sorted.length) - 1]!
        const quantile = whole.quantile(q)!
        return (
          JSON.stringify(left) === JSON.stringify(whole) &&
          quantile >= exact * (1 - 1e-9) &&
          quantile <= exact * 1.02 * (1 + 1e-9)
        )
      }),
    )
  },
)

const ERRORS: Hypothesis = {
  id: 'errors',
  metric: 'errors',
  source: { of: 'failure' },
  better: 'lower',
  onFailure: 'rollback',
  required: true,
  harm: { ratio: 1, alpha: 0.05 },
  proof: { ratio: 1.5, floor: 0.001, alpha: 0.05 },
}
const RMSE: Hypothesis = {
  ...ERRORS,
  id: 'rmse',
  source: { of: 'score', score: 'squared-error', cap: null, windowMs: 1 },
}

function emptyEvents(): EventEvidence {
  return emptyEvidence('r', [ERRORS], 0).hypotheses['errors'] as EventEvidence
}

function tallyOf({ baseline, canary, trials }: EventStratum): EventTally {
  const events: Pair = [baseline, canary]
  const units: Pair = [trials - canary, canary]
  return { kind: 'event', trials: units, events, harmEvents: events, harmUnits: null }
}

function foldTally(evidence: EventEvidence, tally: EventTally, cohort: number): EventEvidence {
  const place = { cohort, step: 0, pi: 0.2, epoch: 0, starts: 1 }
  return foldEvents(evidence, { ...place, tally, harmSince: null }, ERRORS)
}

type Basis = { pi: number; ratio: number; mean: number; variance: number; cap: number }

function fill(list: readonly { side: Side; y: number }[], of: Basis): BetTally {
  const zeros = () => [0, 0, 0, 0, 0, 0, 0]
  const tally: BetTally = {
    kind: 'bet',
    n: [0, 0],
    sum: [0, 0],
    sumSq: [0, 0],
    harm: zeros(),
    proof: zeros(),
  }
  const terms = {
    centre: of.mean,
    cap: of.cap,
    harm: centredBets(of, 'above'),
    proof: centredBets(of, 'below'),
  }
  for (const { side, y } of list) addBet(tally, terms, side, y, of.pi, of.ratio, of.ratio)
  return tally
}

function rises(before: EventEvidence | BetEvidence, after: EventEvidence | BetEvidence): boolean {
  return (
    after.sup.harm >= before.sup.harm &&
    after.sup.proof >= before.sup.proof &&
    after.sup.stepProof >= before.sup.stepProof
  )
}

function close(a: number, b: number): boolean {
  return Math.abs(a - b) <= 1e-8 * Math.max(1, Math.abs(a), Math.abs(b))
}
