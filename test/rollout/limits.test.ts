import t from 'tap'
import type { Side } from '../../src/domain/cohort.ts'
import type { MetricSpec } from '../../src/domain/rollout-spec.ts'
import type { MetricValue } from '../../src/domain/verdict.ts'
import type { ReadPlaces, StepValues } from '../../src/rollout/limit-figures.ts'
import {
  countLimitTicks,
  limitReport,
  limitVerdict,
  readLimits,
  type LimitReading,
} from '../../src/rollout/limits.ts'
import type { Spread } from '../../src/rollout/recent-values.ts'
import { LogHistogram } from '../../src/statistics/histogram.ts'
import {
  ACCURACY,
  CLICKS,
  CONVERSION,
  ERRORS,
  LATENCY,
  REVENUE,
  RMSE,
} from '../fakes/simulated-service.ts'

const SLOW = { ...LATENCY, quantile: 0.99, max: 500 }

const NEVER = {
  failureRate: () => {
    throw new Error('not asked')
  },
  latency: () => {
    throw new Error('not asked')
  },
  value: () => {
    throw new Error('not asked')
  },
}

function read(
  baseline: MetricValue,
  canary: MetricValue,
  metrics = [{ ...ERRORS, max: 0.05 }, SLOW, { ...RMSE, max: 4 }],
) {
  const of = (side: 0 | 1) => (side === 0 ? baseline : canary)
  const share = (side: 0 | 1) => {
    const { value, n } = of(side)
    return { value: value === null ? null : Math.min(1, value), n }
  }
  return readLimits(metrics, { failureRate: share, latency: of, value: of })
}

t.test('a metric without an absolute limit is not read', (t) => {
  t.same(readLimits([ERRORS, LATENCY, RMSE], NEVER), [])
  t.end()
})

t.test('each kind of metric is read as what it is, for the quantile and metric it names', (t) => {
  const asked: unknown[] = []
  const note = (...what: unknown[]): MetricValue => (asked.push(what), { value: 0, n: 1 })
  const sooner = { ...SLOW, until: 'first-byte', max: 1 } as const
  readLimits([{ ...ERRORS, max: 1 }, SLOW, sooner, { ...RMSE, max: 4 }], {
    failureRate: (side) => note('failures', side),
    latency: (side, { quantile, until }) => note('latency', side, quantile, until),
    value: (side, metric) => note('score', side, metric.name),
  })
  t.same(asked, [
    ['failures', 0],
    ['failures', 1],
    ['latency', 0, 0.99, undefined],
    ['latency', 1, 0.99, undefined],
    ['latency', 0, 0.99, 'first-byte'],
    ['latency', 1, 0.99, 'first-byte'],
    ['score', 0, 'rmse'],
    ['score', 1, 'rmse'],
  ])
  t.end()
})

t.test('a limit is judged from 100 samples of a rate, 400 at p99, and minLabels labels', (t) => {
  const tooFew = (n: number) =>
    read({ value: 1, n }, { value: 900, n }).map((r) => [r.metric, r.tooFew, r.canaryBeyond])
  t.same(tooFew(99), [
    ['errors', true, false],
    ['latency', true, false],
    ['rmse', true, false],
  ])
  t.same(tooFew(100), [
    ['errors', false, true],
    ['latency', true, false],
    ['rmse', false, true],
  ])
  t.same(tooFew(399)[1], ['latency', true, false])
  t.same(tooFew(400)[1], ['latency', false, true])
  t.end()
})

t.test('a value at the limit is not beyond it, and no value is not either', (t) => {
  t.equal(read({ value: 0, n: 900 }, { value: 0.05, n: 900 })[0]!.canaryBeyond, false)
  t.equal(read({ value: 0, n: 900 }, { value: 0.0501, n: 900 })[0]!.canaryBeyond, true)
  t.equal(read({ value: 0, n: 900 }, { value: null, n: 0 })[0]!.canaryBeyond, false)
  t.end()
})

t.test(
  'evaluations beyond a limit count in a row, and not while the baseline is beyond it too',
  (t) => {
    const beyond = read({ value: 0, n: 900 }, { value: 900, n: 900 })
    const both = read({ value: 900, n: 900 }, { value: 900, n: 900 })
    t.same(countLimitTicks({}, beyond), { errors: 1, latency: 1, rmse: 1 })
    t.same(countLimitTicks({ errors: 2 }, beyond), { errors: 3, latency: 1, rmse: 1 })
    t.same(countLimitTicks({ errors: 2 }, both), { errors: 0, latency: 0, rmse: 0 })
    t.same(countLimitTicks({ errors: 2 }, read({ value: 0, n: 9 }, { value: 900, n: 9 })), {
      errors: 0,
      latency: 0,
      rmse: 0,
    })
    t.equal(
      read({ value: 900, n: 900 }, { value: 0, n: 900 })[0]!.baselineBeyond,
      false,
      'a better canary',
    )
    t.end()
  },
)

t.test('the verdict of a limit alone: failed after three, successful only while it holds', (t) => {
  const [beyond] = read({ value: 0, n: 900 }, { value: 900, n: 900 })
  const [within] = read({ value: 0, n: 900 }, { value: 0, n: 900 })
  const [few] = read({ value: 0, n: 9 }, { value: 0, n: 9 })
  t.equal(limitVerdict(beyond!, 2), 'inconclusive')
  t.equal(limitVerdict(beyond!, 3), 'failed')
  t.equal(limitVerdict(within!, 0), 'successful')
  t.equal(limitVerdict(few!, 0), 'inconclusive')
  t.end()
})

t.test('what may be beyond a limit by chance fails nothing, and keeps the step', (t) => {
  const rate = (value: number, n: number) =>
    readLimits([{ ...ERRORS, max: 0.05 }], {
      ...NEVER,
      failureRate: (side) => ({ value: side === 0 ? 0 : value, n }),
    })[0]!
  t.match(rate(0.1, 100), { canaryBeyond: true, byChance: true })
  t.match(rate(0.1, 500), { canaryBeyond: true, byChance: false })
  t.match(rate(0.05, 500), { canaryBeyond: false, byChance: false })
  t.same(countLimitTicks({ errors: 2 }, [rate(0.1, 100)]), { errors: 0 })
  t.equal(limitVerdict(rate(0.1, 100), 0), 'inconclusive')
  t.match(limitReport(rate(0.1, 100), 0), { ticksBeyond: 1, byChance: true }, 'it is not left')
  t.match(limitReport(rate(0.01, 100), 0), { ticksBeyond: 0, byChance: false })

  // 30 of 700 requests are beyond a p99, or 9 of them.
  const slow = (count: number) => {
    const latencies = new LogHistogram()
    for (let request = 0; request < 700; request++) latencies.add(request < count ? 900 : 20)
    return readLimits([{ ...LATENCY, quantile: 0.99, max: 500 }], {
      ...NEVER,
      latency: () => ({ value: 900, n: 700 }),
      latencies: () => latencies,
    })[0]!
  }
  t.match([slow(30), slow(9)], [{ byChance: false }, { byChance: true }])

  const errors = (variance: number) =>
    readLimits([{ ...RMSE, max: 4 }], {
      ...NEVER,
      value: () => ({ value: 5, n: 400 }),
      spread: () => ({ n: 400, mean: 25, variance, size: null }),
    })[0]!
  t.match([errors(20 ** 2), errors(60 ** 2)], [{ byChance: false }, { byChance: true }])
  t.end()
})

t.test('requests of few keys count as few, and it is told as how many', (t) => {
  const places = (trials: number, events: number): ReadPlaces => ({
    failed: () => [[0, trials, events]],
    slow: (_, { limitMs }) => (limitMs === 500 ? [[0, trials, events]] : []),
  })
  const rate = (of: Partial<StepValues>) =>
    readLimits([{ ...ERRORS, max: 0.05 }], {
      ...NEVER,
      failureRate: (side) => ({ value: side === 0 ? 0 : 0.1, n: 500 }),
      ...of,
    })[0]!
  t.match(rate({}), { byChance: false, countsAs: undefined })
  t.match(rate({ places: places(10, 1) }), { byChance: false })
  const ofOne = rate({ places: places(100, 50) })
  t.match(ofOne, { byChance: true, canary: { value: 0.1, n: 500 } })
  t.ok(ofOne.countsAs! < 100, `${ofOne.countsAs}`)
  t.equal(limitReport(ofOne, 0).countsAs, ofOne.countsAs)
  t.notOk('countsAs' in limitReport(rate({}), 3))

  const recent = {
    failureRate: (side: Side) => ({ value: side === 0 ? 0 : 0.01, n: 9000 }),
    recentFailureRate: (side: Side) => ({ value: side === 0 ? 0 : 0.1, n: 500 }),
  }
  t.match(rate(recent), { canaryBeyond: true, byChance: false })
  t.match(rate({ ...recent, recentPlaces: places(100, 50) }), {
    byChance: false,
    canary: { n: 9000 },
  })
  t.equal(rate({ ...recent, recentPlaces: places(100, 50) }).canaryBeyond, false)

  const latencies = new LogHistogram()
  for (let request = 0; request < 700; request++) latencies.add(request < 30 ? 900 : 20)
  const slow = (of: Partial<StepValues>) =>
    readLimits([{ ...LATENCY, quantile: 0.99, max: 500 }], {
      ...NEVER,
      latency: () => ({ value: 900, n: 700 }),
      latencies: () => latencies,
      ...of,
    })[0]!
  t.match(slow({}), { byChance: false })
  t.match(slow({ places: places(40, 29) }), { byChance: true })
  t.end()
})

t.test('below a least value is beyond the limit, too', (t) => {
  const at = (canary: number, baseline = 0.95) =>
    read({ value: baseline, n: 500 }, { value: canary, n: 500 }, [
      { ...ACCURACY, min: 0.9 } as never,
    ])[0]!
  t.match(at(0.89), { canaryBeyond: true, baselineBeyond: false, min: 0.9, max: null })
  t.match(at(0.9), { canaryBeyond: false })
  t.match(at(0.89, 0.8), { canaryBeyond: true, baselineBeyond: true })
  t.end()
})

t.test(
  'a rate of failures is beyond its limit of late, too, from 100 requests and beyond chance',
  (t) => {
    const rate = (value: number, n: number): MetricValue => ({ value, n })
    const at = (late: MetricValue, baselineLate = rate(0, 0), canary = rate(0.03, 90_000)) =>
      readLimits([{ ...ERRORS, max: 0.05 }], {
        ...NEVER,
        failureRate: (side) => (side === 0 ? rate(0.01, 90_000) : canary),
        recentFailureRate: (side) => (side === 0 ? baselineLate : late),
      })[0]!
    t.match(at(rate(0.1, 600.4)), {
      canaryBeyond: true,
      canary: rate(0.1, 600),
      baseline: rate(0, 0),
    })
    t.match(at(rate(0.1, 600), rate(0.06, 600)), { canaryBeyond: true, baselineBeyond: true })
    t.match(at(rate(0.5, 99)), { canaryBeyond: false, canary: rate(0.03, 90_000) }, 'too few')
    t.match(at(rate(0.5, 100)), { canaryBeyond: true })
    t.match(at(rate(0.06, 700)), { canaryBeyond: false }, 'as chance may have it')
    t.match(at(rate(0, 700), rate(0.2, 700), rate(0.06, 90_000)), {
      ...{ canaryBeyond: true, baselineBeyond: true },
      canary: rate(0.06, 90_000),
    })
    t.match(at(rate(0.06, 700), rate(0, 700), rate(0.051, 90_000)), {
      ...{ canaryBeyond: true, canary: rate(0.051, 90_000) },
    })
    t.end()
  },
)

t.test(
  'a quantile is beyond its limit of late, too, from as many samples and beyond chance',
  (t) => {
    // 700 requests of late, so many of them slow; before them 90,000 quick ones.
    const late = (slow: number, n = 700) => {
      const latencies = new LogHistogram()
      for (let request = 0; request < n; request++) latencies.add(request < slow ? 900 : 20)
      return latencies
    }
    const quick: MetricValue = { value: 20, n: 90_000 }
    const at = (canary: LogHistogram, baseline = late(0), inStep = quick) =>
      readLimits([{ ...LATENCY, quantile: 0.99, max: 500 }], {
        ...NEVER,
        latency: (side) => (side === 0 ? quick : inStep),
        recentLatencies: (side) => (side === 0 ? baseline : canary),
      })[0]!
    const found = at(late(30))
    t.match(found, { canaryBeyond: true, baselineBeyond: false, canary: { n: 700 } })
    t.equal(found.mustLast, true)
    t.ok(found.canary.value! >= 900, 'told as it is of late')
    t.ok(found.baseline.value! < 25, 'and so is the baseline')
    t.match(at(late(14)), { canaryBeyond: false, canary: quick }, '2 % are as chance may have it')
    t.match(at(late(30, 390)), { canaryBeyond: false }, 'too few')
    t.match(at(late(30), late(30)), { canaryBeyond: true, baselineBeyond: true })
    const slow: MetricValue = { value: 600, n: 90_000 }
    t.match(at(late(0), late(0), slow), { canaryBeyond: true, baselineBeyond: false, canary: slow })
    t.match(at(late(0), late(30), slow), { canaryBeyond: true, baselineBeyond: true })
    t.notOk('mustLast' in at(late(30), late(0), slow), 'it is beyond it since the step began')
    const ticksOf = (readings: readonly LimitReading[]) =>
      readings.reduce<Record<string, number>>((ticks, each) => countLimitTicks(ticks, [each]), {})
    const repeated = (reading: LimitReading, times: number) =>
      Array.from({ length: times }, () => reading)
    t.match(ticksOf(repeated(found, 12)), { latency: 0 }, 'a moment is not enough')
    t.match(ticksOf(repeated(found, 15)), { latency: 3 })
    t.match(ticksOf([...repeated(found, 14), at(late(0)), found]), { latency: 0 }, 'not in a row')
    t.match(ticksOf([...repeated(found, 12), ...repeated(at(late(0), late(0), slow), 3)]), {
      latency: 3,
    })
    t.end()
  },
)

t.test('a mean is beyond its limit of late, too, from as many values and beyond chance', (t) => {
  const rmse = { ...RMSE, max: 4 }
  const value = (v: number, n = 90_000): MetricValue => ({ value: v, n })
  /** Errors whose squares have such a mean and spread. */
  const late = (mean: number, n = 400.4, variance = mean ** 2, size = mean): Spread => ({
    ...{ n, mean, variance, size },
  })
  const at = (metric: MetricSpec, canary: Spread | null, baseline: Spread | null, inStep: number) =>
    readLimits([metric], {
      ...NEVER,
      value: (side) => value(side === 0 ? 3 : inStep),
      recentSpread: (side) => (side === 0 ? baseline : canary),
    })[0]!
  const found = at(rmse, late(36), null, 3)
  t.match(found, { canaryBeyond: true, baselineBeyond: false, canary: value(6, 400) })
  t.same(found.baseline, { value: null, n: 0 })
  t.notOk('mustLast' in found)
  t.match(at(rmse, late(36), late(25), 3), { canaryBeyond: true, baselineBeyond: true })
  t.match(at(rmse, late(36), late(9), 3), { canaryBeyond: true, baselineBeyond: false })
  t.match(at(rmse, late(18), null, 3), { canaryBeyond: false, canary: value(3) }, 'by chance')
  t.match(at(rmse, late(36, 400, 1e5), null, 3), { canaryBeyond: false }, 'they vary too much')
  t.match(at(rmse, late(36, RMSE.minLabels - 1), null, 3), { canaryBeyond: false }, 'too few')
  t.match(at(rmse, null, null, 3), { canaryBeyond: false })
  t.match(at(rmse, late(9), null, 4.1), { canaryBeyond: true, canary: value(4.1) })

  const accuracy = { ...ACCURACY, min: 0.9, max: null }
  const right = (share: number, n = 400) => late(share, n, share * (1 - share))
  t.match(at(accuracy, right(0.8), null, 0.95), { canaryBeyond: true, canary: value(0.8, 400) })
  t.match(at(accuracy, right(0.87), null, 0.95), { canaryBeyond: false })
  t.match(at(accuracy, right(0.99), null, 0.95), { canaryBeyond: false })

  const bought = { ...CONVERSION, min: 0.01 }
  t.match(
    at(bought, late(0, 500, 0.0099), null, 0.02),
    { canaryBeyond: false },
    'none of 500 is chance',
  )
  t.match(at(bought, late(0, 1500, 0.0099), null, 0.02), { canaryBeyond: true })
  t.match(at({ ...bought, max: 0.1 }, late(0.3, 500, 0.21), null, 0.02), { canaryBeyond: true })
  t.match(at({ ...bought, min: null, max: 0.1 }, late(0.11, 500, 0.1), null, 0.02), {
    canaryBeyond: false,
  })
  const revenue = { ...REVENUE, min: 2 }
  t.match(at(revenue, late(1, 500, 16), null, 3), { canaryBeyond: true })
  t.match(at(revenue, late(1, 500, 400), null, 3), { canaryBeyond: false }, 'they vary too much')
  t.end()
})

t.test('a ratio is beyond its limit by what its units have beyond it, and beyond chance', (t) => {
  /** Units with two views each, of which such a share was clicked, each click by itself. */
  const clicked = (ratio: number, n: number): Spread => ({
    n,
    mean: ratio,
    variance: 2 * ratio * (1 - ratio),
    size: 1,
    beyond: (limit) => ({
      ...{ mean: 2 * (ratio - limit), variance: 2 * ratio * (1 - ratio), due: 2 * limit },
    }),
  })
  const at = (limits: { max?: number; min?: number }, inStep: Spread, late: Spread | null = null) =>
    readLimits([{ ...CLICKS, ...limits }], {
      ...NEVER,
      value: (side) => ({ value: side === 0 ? 0.1 : inStep.mean, n: inStep.n }),
      spread: (side) => (side === 0 ? clicked(0.1, 9000) : inStep),
      recentSpread: (side) => (side === 0 ? null : late),
    })[0]!
  t.match(at({ max: 0.11 }, clicked(0.13, 300)), { canaryBeyond: true, byChance: true })
  t.match(at({ max: 0.11 }, clicked(0.13, 6000)), { canaryBeyond: true, byChance: false })
  t.match(at({ max: 0.11 }, clicked(0.1, 6000)), { canaryBeyond: false })
  t.match(at({ min: 0.09 }, clicked(0.07, 300)), { canaryBeyond: true, byChance: true })
  t.match(at({ min: 0.09 }, clicked(0.07, 6000)), { canaryBeyond: true, byChance: false })
  t.match(at({ min: 0.09, max: 0.11 }, clicked(0.07, 6000)), { byChance: false })
  const late = at({ min: 0.09 }, clicked(0.1, 90_000), clicked(0.05, 900.4))
  t.match(late, { canaryBeyond: true, byChance: false, canary: { value: 0.05, n: 900 } })
  t.match(at({ min: 0.09 }, clicked(0.1, 90_000), clicked(0.08, 900)), { canaryBeyond: false })
  t.end()
})

t.test('units without a sale are below a limit by chance as long as sales are rare', (t) => {
  const at = (metric: MetricSpec, inStep: Spread) =>
    readLimits([metric], {
      ...NEVER,
      value: (side) => ({ value: inStep.mean, n: side === 0 ? 0 : inStep.n }),
      spread: () => inStep,
    })[0]!
  const none = (n: number, size: number | null): Spread => ({ n, mean: 0, variance: 0, size })
  // At the limit one unit in 250 buys for 30.
  const revenue = { ...REVENUE, min: 0.12, cap: null }
  t.match(at(revenue, none(140, 30)), { canaryBeyond: true, byChance: true })
  t.match(at(revenue, none(5000, 30)), { byChance: false })
  t.match(at(revenue, none(5000, null)), { byChance: true }, 'how large a sale is is not known')
  t.match(at({ ...revenue, cap: 60 }, none(5000, null)), { byChance: true })
  t.match(at({ ...revenue, cap: 60 }, none(8000, null)), { byChance: false })
  const few = { n: 400, mean: 0.06, variance: 1.5, size: 25 }
  t.match(at(revenue, few), { byChance: true }, 'one sale')
  t.match(at({ ...revenue, min: 24 }, { n: 400, mean: 12, variance: 9, size: 13 }), {
    byChance: false,
  })
  /** No clicks on so many views, one of each tenth unit. */
  const unclicked = (n: number, size: number | null): Spread => ({
    ...none(n, size),
    beyond: (limit) => ({
      ...{ mean: -0.1 * limit, variance: 0.09 * limit ** 2, due: 0.1 * limit },
    }),
  })
  const clicks = { ...CLICKS, min: 0.04 }
  t.match(at(clicks, unclicked(180, 1)), { canaryBeyond: true, byChance: true })
  t.match(at(clicks, unclicked(180, null)), { byChance: true })
  t.match(at(clicks, unclicked(4000, null)), { byChance: false })
  t.end()
})

t.test(
  'a canary at its limit is seldom beyond it of late, one at four fifths of it never',
  async (t) => {
    // The exact chance of each number of failures among 700 requests.
    const chanceAt = (share: number) => {
      let [chance, seen] = [(1 - share) ** 700, 0]
      for (let failures = 0; failures <= 700; failures++) {
        const late = { value: failures / 700, n: 700 }
        const none = { value: 0, n: 0 }
        const [reading] = readLimits([{ ...ERRORS, max: 0.05 }], {
          ...NEVER,
          failureRate: () => none,
          recentFailureRate: (side) => (side === 0 ? none : late),
        })
        if (reading!.canaryBeyond) seen += chance
        chance *= ((700 - failures) / (failures + 1)) * (share / (1 - share))
      }
      return seen
    }
    t.ok(chanceAt(0.05) > 0 && chanceAt(0.05) < 1e-3, `${chanceAt(0.05)}`)
    t.ok(chanceAt(0.04) < 1e-6, `${chanceAt(0.04)}`)
  },
)
