import {
  formatCount,
  formatNumber,
  formatPercent,
  formatValue,
  formatWeight,
} from '../../../rollout/format.ts'
import type { RuleJson, ServiceJson } from '../../present.ts'
import { colourOf } from '../charts/chart-colours.ts'
import { Scrolled } from '../charts/chart-figure.tsx'
import { LatencyHeads } from './latency-heads.tsx'

/** The rules in their order: what they match, whom they name, and how each variant answered their requests. */
export function RulesPanel({ service }: { readonly service: ServiceJson }) {
  const { rules } = service
  const seen = rules.filter(({ rule, variants }) => rule !== null || isAnswered(variants))
  if (seen.length === 0) return null
  const names = Object.keys(service.variants)
  const figures = seen.flatMap(({ variants }) => Object.values(variants))
  const metrics = [...new Set(figures.flatMap((each) => Object.keys(each.metrics)))]
  return (
    <section class="panel" aria-labelledby="rules-title">
      <h2 id="rules-title">Rules</h2>
      <p class="muted">The first that matches decides.</p>
      <Scrolled label="Rules, by the variant that answered">
        <table>
          <thead>
            <tr>
              <th scope="col">matches</th>
              <th scope="col">goes to</th>
              <th scope="col">answered by</th>
              <th scope="col" class="number">
                requests
              </th>
              <th scope="col" class="number">
                errors
              </th>
              <LatencyHeads />
              {metrics.map((metric) => (
                <th scope="col" class="number" key={metric}>
                  {metric}
                </th>
              ))}
            </tr>
          </thead>
          {seen.map(({ rule, weights, variants }) => {
            const answered = Object.entries(variants)
            return (
              <tbody key={rule}>
                {(answered.length === 0 ? [null] : answered).map((row, i) => (
                  <tr key={row?.[0]}>
                    {i === 0 && (
                      <>
                        <th scope="rowgroup" rowSpan={Math.max(1, answered.length)} class="rule">
                          {rule ?? 'no rule'}
                        </th>
                        <td rowSpan={Math.max(1, answered.length)}>{targetOf(rule, weights)}</td>
                      </>
                    )}
                    {row === null ? (
                      <td class="muted" colSpan={6 + metrics.length}>
                        no request yet
                      </td>
                    ) : (
                      <Figures name={row[0]} names={names} figures={row[1]} metrics={metrics} />
                    )}
                  </tr>
                ))}
              </tbody>
            )
          })}
        </table>
      </Scrolled>
    </section>
  )
}

function Figures({
  name,
  names,
  figures,
  metrics,
}: {
  readonly name: string
  readonly names: readonly string[]
  readonly figures: RuleJson['variants'][string]
  readonly metrics: readonly string[]
}) {
  const { requests, errors } = figures
  return (
    <>
      <td class="answered-by">
        <span class={`swatch swatch-${colourOf(name, names)}`} /> {name}
      </td>
      <td class="number">{formatCount(requests)}</td>
      <td class="number">
        {formatCount(errors)}
        {requests > 0 && <span class="muted"> ({formatPercent(errors / requests)})</span>}
      </td>
      <td class="number">{latency(figures.p50Ms)}</td>
      <td class="number">{latency(figures.p95Ms)}</td>
      <td class="number">{latency(figures.p99Ms)}</td>
      {metrics.map((metric) => {
        const read = figures.metrics[metric]
        return (
          <td class="number" key={metric}>
            {read === undefined ? '–' : formatNumber(read.value)}
            {read !== undefined && <span class="muted"> n {formatCount(read.n)}</span>}
          </td>
        )
      })}
    </>
  )
}

function isAnswered(variants: RuleJson['variants']): boolean {
  return Object.keys(variants).length > 0
}

function targetOf(rule: string | null, weights: RuleJson['weights']): string {
  if (rule === null) return 'drawn'
  const shares = Object.entries(weights ?? {})
  if (shares.length === 0) return '–'
  if (shares.length === 1) return shares[0]![0]
  return shares.map(([name, percent]) => `${name} ${formatWeight(percent)}`).join(', ')
}

function latency(ms: number | null): string {
  return ms === null ? '–' : formatValue('latency', ms)
}
