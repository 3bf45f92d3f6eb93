import t from 'tap'
import type { ProviderReading } from '../../src/domain/measurement.ts'
import { buildHypotheses } from '../../src/rollout/hypotheses.ts'
import { countLimitTicks, limitVerdict, readLimits } from '../../src/rollout/limits.ts'
import { readProviderLimits } from '../../src/rollout/provider-limits.ts'
import { formatValue } from '../../src/rollout/format.ts'
import { GPU, SCORE, terms } from '../fakes/measurements.ts'
import { ERRORS, rolloutSpec } from '../fakes/simulated-service.ts'

function read(reading: ProviderReading | null, now = 0) {
  const readings = new Map(reading === null ? [] : [['gpu', reading]])
  return readProviderLimits([ERRORS, GPU], readings, now)[0]!
}

const said = (canary: number, baseline: number | null = null, at = 0): ProviderReading => ({
  at,
  canary: { value: canary },
  baseline: baseline === null ? null : { value: baseline },
})

t.test('a provider is no hypothesis, and no limit that is measured here', (t) => {
  t.same(buildHypotheses(rolloutSpec({ analysis: { metrics: [GPU, SCORE] } }).analysis), [])
  t.same(readLimits([GPU, SCORE], null as never), [])
  t.same(readProviderLimits([{ ...GPU, threshold: terms() }], new Map(), 0), [], 'it is counted')
  t.end()
})

t.test('nothing asked yet is too little to judge, and no error', (t) => {
  t.match(read(null), { tooFew: true, error: null, canary: { value: null, n: 0 } })
  t.equal(limitVerdict(read(null), 0), 'inconclusive')
  t.end()
})

t.test('a value is held against the limit, beside that of the baseline where it is asked', (t) => {
  t.match(read(said(0.9)), { canaryBeyond: false, tooFew: false, baseline: { value: null, n: 0 } })
  t.match(read(said(0.91)), { canaryBeyond: true, baselineBeyond: false })
  t.match(read(said(0.91, 0.5)), { canaryBeyond: true, baselineBeyond: false })
  t.match(read(said(0.91, 0.95)), { canaryBeyond: true, baselineBeyond: true })
  t.match(read(said(0.5, 0.95)), { canaryBeyond: false, baselineBeyond: false })
  t.equal(formatValue('prometheus', 0.91), '0.91', 'a plain number, since nobody knows its unit')
  t.end()
})

t.test('an error of either side is an error of the metric, and never failure', (t) => {
  const down = { error: 'answered 503' }
  const canary = read({ at: 0, canary: down, baseline: { value: 0.5 } })
  t.match(canary, { error: 'canary: answered 503', canaryBeyond: false, baseline: { value: null } })
  t.equal(limitVerdict(canary, 3), 'error', 'whatever was counted before')
  const baseline = read({ at: 0, canary: { value: 0.95 }, baseline: down })
  t.match(baseline, { error: 'baseline: answered 503', canaryBeyond: false })
  t.end()
})

t.test('an answer that is older than three intervals is an error', (t) => {
  t.equal(read(said(0.5), 3000).error, null)
  t.equal(read(said(0.5), 3001).error, 'the last answer is 4s old')
  t.end()
})

t.test('what cannot be read leaves its count, and other counts, as they are', (t) => {
  const down = read({ at: 0, canary: { error: 'x' }, baseline: null })
  t.same(countLimitTicks({ gpu: 2, slow: 1 }, [down]), { gpu: 2, slow: 1 })
  t.same(countLimitTicks({ gpu: 2, slow: 1 }, [read(said(0.95))]), { gpu: 3, slow: 1 })
  t.same(countLimitTicks({ gpu: 2, slow: 1 }, [read(said(0.5))]), { gpu: 0, slow: 1 })
  t.end()
})
