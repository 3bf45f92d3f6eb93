import t from 'tap'
import { MirrorBook } from '../src/metrics/mirror-book.ts'
import { VariantBook } from '../src/metrics/variant-book.ts'
import {
  mergeFigures,
  readFigures,
  toMirrorFigures,
  toRuleStatus,
  toVariantFigures,
  type ServiceFigures,
} from '../src/service-figures.ts'
import { LogHistogram } from '../src/statistics/histogram.ts'
import { bookRequest } from './support/book-request.ts'

/** Latencies of requests whose clients have left. */
const LEFT: readonly number[] = [1, 200]

/** What a process counts whose baseline took so many milliseconds for each request. */
function figuresOf(latenciesMs: readonly number[], healthy = 2, inFlight = 0): ServiceFigures {
  const baseline = new VariantBook('baseline', '1')
  baseline.inFlight = inFlight
  for (const ms of latenciesMs) {
    // What has no answer counts as an error, and its time is known.
    const left = { outcome: 'client_closed', status: 499 } as const
    const outcome = ms > 100 ? 'no_answer' : 'ok'
    bookRequest(baseline, { outcome, ...(LEFT.includes(ms) ? left : {}), durationMs: ms })
  }
  const mirror = new MirrorBook('canary', '2')
  for (const [i, ms] of latenciesMs.entries()) {
    mirror.count('ok')
    mirror.took(ms)
    mirror.lastOkAt = ms
    const result = i === 0 ? 'value' : 'agreed'
    const values = { live: 1, mirror: 2, liveMs: ms, mirrorMs: 2 * ms }
    mirror.paired({ at: ms, requestId: `r${ms}`, answeredBy: 'baseline', result, ...values })
  }
  const book = {
    variants: new Map([['baseline', baseline]]),
    mirrors: new Map([['canary', mirror]]),
    rules: null,
    draws: { begun: latenciesMs.length, drawn: 0, unkeyed: 1 },
  }
  return readFigures(book, () => ({ upstreams: 2, healthy }))
}

t.test('processes together have the quantiles of all their requests', (t) => {
  const fast = Array.from({ length: 90 }, (_, i) => 1 + i / 100)
  const slow = Array.from({ length: 10 }, (_, i) => 200 + i)
  const all = new LogHistogram()
  for (const ms of [...fast, ...slow]) all.add(ms)
  const merged = structuredClone(mergeFigures(figuresOf(fast, 2, 4), [figuresOf(slow, 1, 3)]))
  t.same(toVariantFigures(merged.variants['baseline']!), {
    requests: 100,
    errors: 9,
    rejected: 0,
    left: 2,
    inFlight: 7,
    upstreams: 2,
    healthy: 1,
    p50Ms: all.quantile(0.5),
    p95Ms: all.quantile(0.95),
    p99Ms: all.quantile(0.99),
  })
  t.end()
})

t.test('requests without their key add up', (t) => {
  const { keys } = mergeFigures(figuresOf([1, 2, 3]), [figuresOf([4]), figuresOf([5])])
  t.same(keys, { requests: 5, missing: 3 })
  t.end()
})

t.test('and so have mirrors, with the last pairs of all that disagreed', (t) => {
  const merged = mergeFigures(figuresOf([30, 10]), [figuresOf([20])])
  const mirror = toMirrorFigures(merged.mirrors['canary']!)
  t.match(mirror, {
    results: { ok: 3, failed: 0 },
    lastOkAt: 20,
    pairs: 3,
    disagreements: { value: 2, status: 0 },
    liveHeadMs: 20,
    mirrorHeadMs: 40,
  })
  t.same(
    mirror.lastDisagreed.map(({ at }) => at),
    [20, 30],
  )
  t.end()
})

t.test('a variant that another process does not know yet is that of this one', (t) => {
  const own = figuresOf([5])
  const keys = { requests: 0, missing: 0 }
  t.same(mergeFigures(own, [{ variants: {}, mirrors: {}, rules: [], keys }]), own)
  const { p50Ms, liveHeadMs, lastOkAt } = toMirrorFigures(figuresOf([]).mirrors['canary']!)
  t.same([p50Ms, liveHeadMs, lastOkAt], [null, null, null])
  t.end()
})

t.test(
  'rules add up by their conditions, and a variant that only another one saw is shown',
  (t) => {
    const of = (requests: number, ms: number) => {
      const latencies = new LogHistogram()
      latencies.add(ms)
      return { requests, errors: 1, metrics: {}, latencies: latencies.toJSON() }
    }
    const figures = (rules: ServiceFigures['rules']) => ({
      ...{ variants: {}, mirrors: {}, rules },
      keys: { requests: 0, missing: 0 },
    })
    const score = { rmse: { value: 2, n: 5 } }
    const own = figures([
      { rule: 'a', variants: { baseline: { ...of(3, 10), metrics: score } } },
      { rule: null, variants: {} },
    ])
    const other = figures([
      { rule: null, variants: { canary: of(7, 20) } },
      { rule: 'a', variants: { baseline: of(4, 10) } },
    ])
    const [a, drawn] = mergeFigures(own, [other, figures([])]).rules.map(toRuleStatus)
    t.match(a, { rule: 'a', variants: { baseline: { requests: 7, errors: 2, metrics: score } } })
    t.ok(Math.abs(a!.variants['baseline']!.p99Ms! - 10) < 0.3)
    t.match(drawn, { rule: null, variants: { canary: { requests: 7 } } })
    t.end()
  },
)
