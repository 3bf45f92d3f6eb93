import t from 'tap'
import { presentComparison } from '../../src/admin/present-comparison.ts'
import { explainComparison, renderComparison } from '../../src/cli/render-comparison.ts'
import { buildStyle } from '../../src/cli/render.ts'
import type { Comparison } from '../../src/domain/comparison.ts'
import type { DriftReport, MetricReport } from '../../src/domain/verdict.ts'
import { fakeMetric } from '../admin/fake-deps.ts'

const STYLE = buildStyle({ env: {} }, { write: () => undefined })

const DRIFT: DriftReport = {
  ...{ psi: 0.216, minPsi: 0.1, ks: 0.3, w1: 0.9 },
  ...{ edges: [1, 2], baseline: [0.5, 0.25, 0.25], canary: [0.2, 0.3, 0.5] },
}

function drifting(change: Partial<MetricReport>): Comparison {
  const evidence = { ...fakeMetric().evidence, harm: { log: 92.83, threshold: 4.6 } }
  const report = fakeMetric({
    ...{ name: 'preds', kind: 'drift', ratio: null, required: false, evidence },
    ...{ baseline: { value: null, n: 2460 }, canary: { value: null, n: 1822 } },
    ...change,
  })
  return {
    ...{ variant: 'small', verdict: 'unknown', expectedShare: 0.4, etaSeconds: null },
    metrics: [{ report, verdict: null, superiority: null }],
    units: { baseline: 2460, challenger: 1822 },
    ratioMismatch: { log: 0, threshold: 7 },
  }
}

t.test(
  'A drift of a challenger is shown by its PSI, and explained with its evidence.',
  async (t) => {
    const flagged = presentComparison(drifting({ verdict: 'failed', drift: DRIFT }))
    t.match(renderComparison(flagged, STYLE).at(-1), /^ {3}preds +differs +- +- +PSI 0\.216$/)
    t.equal(
      explainComparison(flagged).at(-1),
      '- preds: differs; PSI 0.216 (from 0.1 on it counts); 1,822 values against 2,460. Log-evidence: of a shift 92.8 of 4.6.',
    )
  },
)

t.test('Before its bins are known nothing is said of its size.', async (t) => {
  const young = presentComparison(drifting({ verdict: 'inconclusive', drift: null }))
  t.match(renderComparison(young, STYLE).at(-1), /^ {3}preds +- +- +- +-$/)
  t.match(
    explainComparison(young).at(-1),
    /preds: no difference shown; the bins are not known yet; 1,822/,
  )
})
