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

/** A conversion of a challenger, with the ratio that its events give. */
function converting(change: Partial<MetricReport> = {}): Comparison {
  const report = fakeMetric({
    ...{ name: 'conversion', kind: 'conversion', better: 'higher', verdict: 'successful' },
    ...{ baseline: { value: 0.464, n: 687 }, canary: { value: 0.542, n: 251 } },
    ratio: { estimate: 1.066, lower: 0.732, upper: 1.523, method: 'exact', level: 0.99 },
    ...change,
  })
  return { ...drifting({}), metrics: [{ report, verdict: 'no-worse', superiority: null }] }
}

t.test('Of large shares it is said how far they lie apart, and what their ratio is.', async (t) => {
  const lines = explainComparison(presentComparison(converting()))
  t.match(
    lines.at(-2),
    /54\.2 % \(n 251\) against 46\.4 % \(n 687\), 7\.8 percentage points higher; ratio 1\.066 \(0\.732 to 1\.523\)/,
  )
  t.match(lines.at(-1), /^The interval is read from whose the events are/)
  const small = { baseline: { value: 0.0464, n: 687 }, canary: { value: 0.0542, n: 251 } }
  t.notMatch(explainComparison(presentComparison(converting(small))).join(), /points|whose the/)
  const mean = converting({ ratio: { ...fakeMetric().ratio!, method: 'asymptotic' } })
  t.notMatch(explainComparison(presentComparison(mean)).join(), /points|whose the/)
})

t.test('A bound above what is possible bounds nothing.', async (t) => {
  const wide = converting({
    ratio: { estimate: 1.066, lower: 0.732, upper: 2.2, method: 'exact', level: 0.99 },
  })
  const row = renderComparison(presentComparison(wide), STYLE).at(-1)
  t.match(row, /1\.066 \(0\.732 to ∞\)$/, '2.2 × 46.4 % is more than all')
})

t.test('Where each metric is only shown there is no verdict to wait for.', async (t) => {
  const shown = presentComparison(converting({ required: false }))
  t.match(explainComparison(shown)[0], /^small: no metric decides\. /)
  t.match(renderComparison(shown, STYLE)[0], /small {2}no metric decides {2}\(/)
})

t.test(
  'What a metric waits for beside evidence is said under the table and by explain.',
  async (t) => {
    const waiting = converting({ verdict: 'inconclusive', ratio: null })
    const missing = 'its cap is learnt first, from 1,000 values of the baseline'
    const [metric] = waiting.metrics
    const shown = presentComparison({
      ...waiting,
      metrics: [{ ...metric!, verdict: 'unknown', missing }],
    })
    t.equal(
      renderComparison(shown, STYLE).at(-2),
      '   missing  conversion: its cap is learnt first, from 1,000 values of the',
    )
    t.match(
      explainComparison(shown).at(-1),
      /against 46\.4 % \(n 687\)\. Missing: its cap is learnt first, from 1,000 values of the baseline\. Log-evidence/,
    )
  },
)

t.test('What "no worse" excludes is said beside it.', async (t) => {
  const row = (verdict: 'no-worse' | 'better') =>
    renderComparison(
      presentComparison({
        ...converting(),
        metrics: [{ ...converting().metrics[0]!, verdict }],
      }),
      STYLE,
    ).at(-1)
  t.match(row('no-worse'), /conversion +no worse \(5 %\) /)
  t.match(row('better'), /conversion +better +46/)
})
