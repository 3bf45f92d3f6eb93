import { formatCount, formatPercent, formatValue, formatWeight } from '../../../rollout/format.ts'
import type { ServiceJson } from '../../present.ts'
import { colourOf } from '../charts/chart-colours.ts'
import { Scrolled } from '../charts/chart-figure.tsx'
import { WeightBar } from '../parts/weight-bar.tsx'
import { LatencyHeads } from './latency-heads.tsx'

/** What each variant gets, and how it answers. */
export function VariantsTable({ service }: { readonly service: ServiceJson }) {
  const variants = Object.keys(service.variants)
  return (
    <>
      <WeightBar weights={service.weights} />
      <Scrolled label="Variants">
        <table>
          <thead>
            <tr>
              <th scope="col">variant</th>
              <th scope="col">version</th>
              <th scope="col" class="number">
                weight
              </th>
              <th scope="col" class="number">
                in flight
              </th>
              <th scope="col" class="number">
                requests
              </th>
              <th scope="col" class="number">
                errors
              </th>
              <th scope="col" class="number">
                turned away
              </th>
              <th scope="col" class="number" title="clients that left before an answer">
                left
              </th>
              <LatencyHeads />
              <th scope="col" class="number">
                healthy
              </th>
            </tr>
          </thead>
          <tbody>
            {Object.entries(service.variants).map(([name, v]) => (
              <tr key={name}>
                <th scope="row">
                  <span class={`swatch swatch-${colourOf(name, variants)}`} /> {name}
                </th>
                <td>{v.version}</td>
                <td class="number">{formatWeight(service.weights[name] ?? 0)}</td>
                <td class="number">{formatCount(v.inFlight)}</td>
                <td class="number">{formatCount(v.requests)}</td>
                <td class="number">
                  {formatCount(v.errors)}
                  {v.requests > 0 && (
                    <span class="muted"> ({formatPercent(v.errors / v.requests)})</span>
                  )}
                </td>
                <td class="number">{formatCount(v.rejected)}</td>
                <td class="number">{formatCount(v.left)}</td>
                <td class="number">{latency(v.p50Ms)}</td>
                <td class="number">{latency(v.p95Ms)}</td>
                <td class="number">{latency(v.p99Ms)}</td>
                <td class={`number${v.healthy === 0 ? ' is-bad' : ''}`}>
                  {v.healthy} of {v.upstreams}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </Scrolled>
    </>
  )
}

function latency(ms: number | null): string {
  return ms === null ? '–' : formatValue('latency', ms)
}
