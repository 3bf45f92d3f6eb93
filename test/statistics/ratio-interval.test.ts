import t from 'tap'
import type { MomentStratum } from '../../src/domain/evidence.ts'
import {
  FALL_CHANGES,
  HARM_GRID,
  harmLogEvidence,
  proofLogEvidence,
} from '../../src/statistics/label-bet.ts'
import {
  correctForDraw,
  eventRatioInterval,
  meanRatioInterval,
  mixtureRadius,
} from '../../src/statistics/ratio-interval.ts'
import { near } from './near.ts'

const TWO_STRATA = [
  { pi: 0.05, canary: 6, baseline: 100, trials: 0 },
  { pi: 0.2, canary: 30, baseline: 90, trials: 0 },
]

const BETS = {
  up: { alpha: 0.025, changes: HARM_GRID },
  down: { alpha: 0.025, changes: FALL_CHANGES },
}

t.test('The interval of an event ratio has its reference values.', async (t) => {
  const interval = eventRatioInterval(TWO_STRATA, BETS)!
  near(t, interval.lower, 0.675365526, 1e-6)
  near(t, interval.upper, 2.2764396, 1e-6)
  t.equal(interval.method, 'exact')
  t.equal(interval.level, 0.95, 'both sides together')
})

t.test('The bounds are where the evidence reaches its threshold.', async (t) => {
  const { lower, upper } = eventRatioInterval(TWO_STRATA, BETS)!
  near(t, harmLogEvidence(TWO_STRATA, lower), Math.log(40), 1e-5)
  near(t, proofLogEvidence(TWO_STRATA, upper, 0, FALL_CHANGES), Math.log(40), 1e-5)
})

t.test('With one stratum the estimate is the ratio of the rates.', async (t) => {
  const interval = eventRatioInterval([{ pi: 0.2, canary: 60, baseline: 160, trials: 0 }], BETS)!
  near(t, interval.estimate, 60 / 0.2 / (160 / 0.8), 1e-6)
  t.ok(interval.lower < 1.5 && interval.upper > 1.5)
  t.ok(interval.lower > 0.9 && interval.upper < 2.6)
})

t.test('The estimate is that of the shares, whatever the draw gave each side.', async (t) => {
  const one = [{ pi: 0.5, canary: 48, baseline: 52, trials: 200 }]
  const { lower, upper } = eventRatioInterval(one, BETS)!
  const drawn = correctForDraw(eventRatioInterval(one, BETS)!, one, [112, 88])
  near(t, drawn.estimate, 48 / 88 / (52 / 112), 1e-6)
  t.match(drawn, { lower, upper })
  const two = [
    { pi: 0.05, canary: 10, baseline: 100, trials: 10_000 },
    { pi: 0.5, canary: 100, baseline: 50, trials: 1000 },
  ]
  const even = correctForDraw(eventRatioInterval(two, BETS)!, two, [10_000, 1000])
  near(t, even.estimate, eventRatioInterval(two, BETS)!.estimate, 1e-9)
})

t.test('It stays within the bounds, and is as it was where nothing is drawn.', async (t) => {
  const one = [{ pi: 0.5, canary: 48, baseline: 52, trials: 200 }]
  const interval = eventRatioInterval(one, BETS)!
  t.equal(correctForDraw(interval, one, [199, 1]).estimate, interval.upper)
  t.equal(correctForDraw(interval, one, [1, 199]).estimate, interval.lower)
  t.same(correctForDraw(interval, one, [200, 0]), interval)
  t.same(correctForDraw(interval, [{ ...one[0]!, trials: 0 }], [0, 0]), interval)
})

t.test('Without events of the canary the interval begins at 0.', async (t) => {
  const interval = eventRatioInterval([{ pi: 0.2, canary: 0, baseline: 160, trials: 0 }], BETS)!
  t.equal(interval.estimate, 0)
  t.equal(interval.lower, 0)
  t.ok(interval.upper < 0.2)
  const one = eventRatioInterval([{ pi: 0.2, canary: 1, baseline: 160, trials: 0 }], BETS)!
  near(t, one.estimate, 4 / 160, 1e-8)
  t.equal(one.lower, 0)
})

t.test('Without events of the baseline, or with two, no interval is given.', async (t) => {
  t.equal(eventRatioInterval([], BETS), null)
  t.equal(eventRatioInterval([{ pi: 0.2, canary: 9, baseline: 0, trials: 0 }], BETS), null)
  t.equal(eventRatioInterval([{ pi: 0.2, canary: 9, baseline: 1, trials: 0 }], BETS), null)
  t.ok(eventRatioInterval([{ pi: 0.2, canary: 9, baseline: 3, trials: 0 }], BETS))
})

t.test('The mixture bound is that of confseq and of GrowthBook.', async (t) => {
  // confseq: two-sided normal mixture at v = 100 with ρ = 12.60056, α = .05.
  near(t, mixtureRadius(100, 12.60056, 0.05) * 100, 30.35209, 1e-5)
  // gbstats: relative, N* = 1000 (ρ = .0890850975), N = 6461; SE .33341 → (−.55844, 1.56516).
  const information = 1 / 0.33341 ** 2
  const precision = information / (6461 * 0.0890850975 ** 2)
  near(t, mixtureRadius(information, precision, 0.05), (1.56516 + 0.55844) / 2, 5e-5)
  // gbstats (growthbook at 8f1db44, frequentist/test_tests.py), proportions, N* = 5000 (ρ = .0398400668).
  const share = 1 / 0.03386 ** 2
  const sharePrecision = share / (6461 * 0.0398400668 ** 2)
  near(t, mixtureRadius(share, sharePrecision, 0.05), (0.60675 - 0.40098) / 2, 2e-5)
  // Narrowest at t = 1000 with tρ² = −W₋₁(−α²/e) − 1 = 8.211968 (arXiv 2103.06476, appendix B.2).
  near(t, mixtureRadius(1000, 1000 / 8.211968062, 0.05), 0.095978998, 1e-9)
})

t.test(
  'Rule 13: with a ratio that moves, the bounds are those of its largest and its smallest value.',
  async (t) => {
    // Ratios 2 and 0.5 in turns of five events; all label sequences, no chance.
    const pi = 0.3
    const ratioAt = (event: number) => (event < 5 ? 2 : 0.5)
    const expected = (events: number, evidence: (canary: number, baseline: number) => number) => {
      let sum = 0
      for (let labels = 0; labels < 2 ** events; labels += 1) {
        let [probability, canary] = [1, 0]
        for (let event = 0; event < events; event += 1) {
          const theta = (pi * ratioAt(event)) / (1 - pi + pi * ratioAt(event))
          const isCanary = ((labels >> event) & 1) === 1
          probability *= isCanary ? theta : 1 - theta
          canary += isCanary ? 1 : 0
        }
        sum += probability * Math.exp(evidence(canary, events - canary))
      }
      return sum
    }
    const stratum = (canary: number, baseline: number) => [{ pi, canary, baseline, trials: 0 }]
    for (let events = 1; events <= 10; events += 1) {
      const largest = expected(events, (c, b) => harmLogEvidence(stratum(c, b), 2))
      const smallest = expected(events, (c, b) => proofLogEvidence(stratum(c, b), 0.5, 0))
      t.ok(largest <= 1 + 1e-12, `more than the largest is not shown at ${events}: ${largest}`)
      t.ok(smallest <= 1 + 1e-12, `less than the smallest is not shown at ${events}: ${smallest}`)
    }
    const now = expected(5, (c, b) => harmLogEvidence(stratum(c, b), 1))
    t.ok(now > 1, 'of the mean, or of the ratio now, nothing is promised')
  },
)

t.test('The interval of a ratio of means is built from log-ratios within strata.', async (t) => {
  const stratum = moments(0.2, [8000, 2000], [2, 2.2], [5, 6])
  const interval = meanRatioInterval([stratum], { alpha: 0.05, priorSd: 0.1, root: false })!
  const variance = 5 / (8000 * 4) + 6 / (2000 * 4.84)
  const radius = mixtureRadius(1 / variance, 100, 0.05)
  near(t, interval.estimate, 1.1)
  near(t, interval.lower, 1.1 * Math.exp(-radius), 1e-6)
  near(t, interval.upper, 1.1 * Math.exp(radius), 1e-6)
  t.equal(interval.method, 'asymptotic')
  t.equal(interval.level, 0.95)
  const root = meanRatioInterval([stratum], { alpha: 0.05, priorSd: 0.1, root: true })!
  near(t, root.estimate, Math.sqrt(interval.estimate))
  near(t, root.lower, Math.sqrt(interval.lower))
  near(t, root.upper, Math.sqrt(interval.upper))
})

t.test('A level that moves between strata does not move the ratio of means.', async (t) => {
  // The second stratum has twice the level and another weight; pooled means would say 1.27.
  const strata = [
    moments(0.2, [8000, 2000], [2, 2], [4, 4]),
    moments(0.5, [5000, 5000], [4, 4], [16, 16]),
  ]
  const interval = meanRatioInterval(strata, { alpha: 0.05, priorSd: 0.1, root: false })!
  near(t, interval.estimate, 1)
})

t.test('No interval of means is given where nothing can be compared.', async (t) => {
  const options = { alpha: 0.05, priorSd: 0.1, root: true }
  const none = [
    moments(0.2, [100, 1], [2, 2], [1, 0]),
    moments(0.2, [1, 100], [2, 2], [0, 1]),
    moments(0.2, [100, 100], [0, 2], [0, 1]),
    moments(0.2, [100, 100], [2, 0], [1, 0]),
  ]
  t.equal(meanRatioInterval(none, options), null)
  t.equal(meanRatioInterval([], options), null)
  const flat: MomentStratum = { pi: 0.2, n: [100, 3], sum: [200, 6], sumSq: [400, 12] }
  t.equal(meanRatioInterval([flat], options), null)
  const rounded: MomentStratum = { ...flat, sumSq: [400 - 1e-12, 12 - 1e-14] }
  t.equal(meanRatioInterval([rounded], options), null, 'a variance below 0 by rounding is 0')
})

function moments(
  pi: number,
  n: [number, number],
  mean: [number, number],
  variance: [number, number],
): MomentStratum {
  const sumSq = (side: 0 | 1) => variance[side] * (n[side] - 1) + n[side] * mean[side] ** 2
  return { pi, n, sum: [n[0] * mean[0], n[1] * mean[1]], sumSq: [sumSq(0), sumSq(1)] }
}
