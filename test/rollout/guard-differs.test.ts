import t from 'tap'
import type { EventEvidence } from '../../src/domain/evidence.ts'
import type { Hypothesis } from '../../src/domain/hypothesis.ts'
import { guardDiffers } from '../../src/rollout/guard-differs.ts'

const PI = 0.5

function guard(of: 'label-missing' | 'client-error'): Hypothesis {
  const source =
    of === 'client-error' ? ({ of } as const) : ({ of, among: 'drawn', windowMs: 0 } as const)
  return {
    ...{ id: of, metric: 'aov', source, better: 'lower', onFailure: 'pause', required: false },
    harm:
      of === 'client-error'
        ? { ratio: 1.5, alpha: 0.001, apart: 0.005 }
        : { ratio: 1, alpha: 0.001 },
    proof: null,
  }
}

/** Of so many units on each side so many have what is guarded against. */
function seen(units: number, baseline: number, canary: number, strata = 1): EventEvidence {
  const stratum = {
    pi: PI,
    baseline: baseline / strata,
    canary: canary / strata,
    trials: (2 * units) / strata,
  }
  return {
    ...{ harm: [Array.from({ length: strata }, () => stratum)], trials: [units, units] },
    events: [baseline, canary],
  } as unknown as EventEvidence
}

t.test('fewer missing labels of a challenger differ, as more do', async (t) => {
  const missing = guard('label-missing')
  t.equal(guardDiffers(missing, seen(5000, 400, 200)), 'fewer')
  t.equal(guardDiffers(missing, seen(5000, 200, 400)), 'more')
  t.equal(guardDiffers(missing, seen(5000, 200, 215)), null)
  t.equal(guardDiffers(missing, { ...seen(0, 0, 0), harm: [] }), null)
})

t.test('where nearly everybody is missed, those who are not tell', async (t) => {
  const missing = guard('label-missing')
  t.equal(guardDiffers(missing, seen(6000, 5406, 5154)), 'fewer', '90.1 against 85.9 %')
  t.equal(guardDiffers(missing, seen(6000, 5154, 5406)), 'more')
  t.equal(
    guardDiffers(missing, seen(6000, 5406, 5154, 2)),
    null,
    'of several weights nothing is kept of them',
  )
  t.equal(guardDiffers(missing, seen(5000, 400, 200, 2)), 'fewer', 'but of the missed ones')
})

t.test('a difference as small as harm is found at is found the other way round', async (t) => {
  const missing = guard('label-missing')
  t.equal(guardDiffers(missing, seen(5_000_000, 100_000, 103_000)), 'more')
  t.equal(guardDiffers(missing, seen(5_000_000, 103_000, 100_000)), 'fewer')
})

t.test('fewer answers with a 4xx differ where their shares lie far enough apart', async (t) => {
  const refused = guard('client-error')
  t.equal(guardDiffers(refused, seen(5000, 300, 100)), 'fewer')
  t.equal(guardDiffers(refused, seen(5_000_000, 9000, 3000)), null, '0.18 against 0.06 %')
  t.equal(
    guardDiffers(refused, seen(5000, 100, 300)),
    null,
    'more is the verdict of the guard itself',
  )
})
