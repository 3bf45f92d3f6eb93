import { formatCount, formatNumber, formatPercent, formatValue } from '../../../rollout/format.ts'
import type { ComparisonJson } from '../../present-comparison.ts'
import { Scrolled } from '../charts/chart-figure.tsx'
import { Badge } from '../parts/badge.tsx'
import { Sentence } from '../parts/sentence.tsx'
import { formatEvidence, formatShort, verdictInAll, VERDICTS } from '../parts/words.ts'

/** One challenger of an experiment against the baseline. */
export function ComparisonPanel({ comparison }: { readonly comparison: ComparisonJson }) {
  const { variant, units, expectedShare, etaSeconds } = comparison
  const said = verdictInAll(comparison)
  const total = units.baseline + units.challenger
  const id = `comparison-${variant}`
  return (
    <section class="panel" aria-labelledby={id}>
      <div class="metric-head">
        <h2 id={id}>{variant} against the baseline</h2>
        <Badge tone={said.tone}>{said.word}</Badge>
      </div>
      <p class="muted">
        {total === 0
          ? 'No request of the two is judged yet.'
          : `${formatCount(units.challenger)} of ${formatCount(total)} units drawn for the two are its own: ${formatPercent(units.challenger / total)}, expected ${formatPercent(expectedShare)}.`}
        {etaSeconds !== null &&
          ` What is not known yet takes about ${formatShort(etaSeconds * 1000)} if it is as good as the baseline.`}
      </p>
      {comparison.mismatched && (
        <p class="notice notice-bad">
          That share is not what the draw gives: nothing below can be relied on until it is
          explained.
        </p>
      )}
      <ComparisonTable
        comparison={comparison}
        label={`${variant} against the baseline, by metric`}
      />
      {comparison.metrics.map(
        ({ name, missing }) =>
          missing !== null && (
            <p key={name}>
              <Sentence text={`${name}: ${missing}.`} />
            </p>
          ),
      )}
      <p class="muted">Evidence is its natural logarithm, of the one at which it decides.</p>
    </section>
  )
}

/** What is said of each metric of a challenger, as a table. */
export function ComparisonTable({
  comparison: { variant, metrics },
  label,
}: {
  readonly comparison: ComparisonJson
  readonly label: string
}) {
  return (
    <Scrolled label={label}>
      <table class="stacked">
        <thead>
          <tr>
            <th scope="col">metric</th>
            <th scope="col">verdict</th>
            <th scope="col" class="number">
              baseline
            </th>
            <th scope="col" class="number">
              {variant}
            </th>
            <th scope="col" class="number">
              ratio (interval)
            </th>
            <th scope="col" class="number">
              worse
            </th>
            <th scope="col" class="number">
              no worse
            </th>
            <th scope="col" class="number">
              better
            </th>
          </tr>
        </thead>
        <tbody>
          {metrics.map((metric) => (
            <tr key={metric.name}>
              <th scope="row">{metric.name}</th>
              <td>
                {metric.comparison === null ? (
                  <Uncompared metric={metric} />
                ) : (
                  <Badge tone={VERDICTS[metric.comparison].tone}>{wordOf(metric)}</Badge>
                )}
              </td>
              <td class="number" data-label="baseline">
                {formatValue(metric.kind, metric.baseline.value)}
              </td>
              <td class="number" data-label={variant}>
                {formatValue(metric.kind, metric.canary.value)}
              </td>
              <td class="number" data-label="ratio (interval)">
                {distanceOf(metric)}
              </td>
              <td class="number" data-label="worse">
                {formatEvidence(metric.evidence.harm)}
              </td>
              <td class="number" data-label="no worse">
                {formatEvidence(metric.evidence.nonInferiority)}
              </td>
              <td class="number" data-label="better">
                {formatEvidence(metric.superiority)}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </Scrolled>
  )
}

function Uncompared({ metric }: { readonly metric: ComparisonJson['metrics'][number] }) {
  const isDifferent = metric.differs !== null || metric.verdict === 'failed'
  return isDifferent ? <Badge tone="warn">differs</Badge> : <span class="muted">not compared</span>
}

function wordOf({ comparison, margins }: ComparisonJson['metrics'][number]): string {
  const { word } = VERDICTS[comparison!]
  const margin = margins?.proof ?? null
  return comparison === 'no-worse' && margin !== null ? `${word} (${formatPercent(margin)})` : word
}

function distanceOf({ ratio, drift }: ComparisonJson['metrics'][number]): string {
  if (drift !== null) return `PSI ${formatNumber(drift.psi)}`
  if (ratio === null) return '–'
  const text = (value: number | null, unknown: string) => value?.toFixed(3) ?? unknown
  return `${text(ratio.estimate, '–')} (${text(ratio.lower, '0')} to ${text(ratio.upper, '∞')})`
}
