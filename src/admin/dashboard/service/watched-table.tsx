import { formatCount, formatValue } from '../../../rollout/format.ts'
import type { MetricJson } from '../../present-metric.ts'
import { Scrolled } from '../charts/chart-figure.tsx'
import { Badge } from '../parts/badge.tsx'
import { formatEvidence, VERDICTS } from '../parts/words.ts'
import { figuresOf, roleOf, verdictOf } from './metric-words.ts'

/** Whether a promotion asks for a proof of it: the others are limits, measurements, drift and guards. */
export function isProved({ evidence }: MetricJson): boolean {
  return evidence.nonInferiority !== null
}

/** What is watched beside the metrics that have to be proved: a row each. */
export function WatchedTable({ metrics }: { readonly metrics: readonly MetricJson[] }) {
  if (metrics.length === 0) return null
  return (
    <div class="panel">
      <h3>Watched beside them</h3>
      <Scrolled label="Watched beside them">
        <table>
          <thead>
            <tr>
              <th scope="col">metric</th>
              <th scope="col">verdict</th>
              <th scope="col">role</th>
              <th scope="col" class="number">
                baseline
              </th>
              <th scope="col" class="number">
                canary
              </th>
              <th scope="col">held against</th>
              <th scope="col" class="number">
                evidence of harm
              </th>
            </tr>
          </thead>
          <tbody>
            {metrics.map((metric) => (
              <tr key={metric.name}>
                <th scope="row">{metric.name}</th>
                <td>
                  <Badge tone={VERDICTS[metric.verdict].tone}>{verdictOf(metric)}</Badge>
                </td>
                <td class="muted">{roleOf(metric)}</td>
                <Value kind={metric.kind} {...metric.baseline} />
                <Value kind={metric.kind} {...metric.canary} />
                <td>
                  {metric.error ??
                    figuresOf(metric).map(({ label, value, note }) => (
                      <span key={label}>
                        {label} {value} <span class="muted">{note}</span>{' '}
                      </span>
                    ))}
                </td>
                <td class="number">{formatEvidence(metric.evidence.harm)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </Scrolled>
    </div>
  )
}

function Value({
  kind,
  value,
  n,
}: {
  readonly kind: string
  readonly value: number | null
  readonly n: number
}) {
  return (
    <td class="number">
      {formatValue(kind, value)} <span class="muted">n {formatCount(n)}</span>
    </td>
  )
}
