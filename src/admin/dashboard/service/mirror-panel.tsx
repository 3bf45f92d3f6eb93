import { formatCount, formatNumber, formatPercent, formatValue } from '../../../rollout/format.ts'
import type { MirrorJson } from '../../present-mirror.ts'
import { Scrolled } from '../charts/chart-figure.tsx'
import { Figure } from '../parts/figure.tsx'
import { formatAgo } from '../parts/words.ts'

/** Copies of requests to a variant: what became of them, and how its answers compare with the live ones. */
export function MirrorPanel({
  variant,
  mirror,
  now,
}: {
  readonly variant: string
  readonly mirror: MirrorJson
  readonly now: number
}) {
  const { results, pairs, unread, disagreements, inFlight, lastOkAt } = mirror
  const disagreed = disagreements.status + disagreements.schema + disagreements.value
  const sent = inFlight + results.ok + results.failed + results.no_answer + results.cancelled
  const dropped =
    results.dropped_busy +
    results.dropped_too_large +
    results.dropped_incomplete +
    results.dropped_unhealthy
  const id = `mirror-${variant}`
  return (
    <section class="panel" aria-labelledby={id}>
      <h2 id={id}>Mirror to {variant}</h2>
      <dl class="numbers-line">
        <Figure label="copies sent" value={formatCount(sent)} note={`${inFlight} under way`} />
        <Figure
          label="answered well"
          value={formatCount(results.ok)}
          note={lastOkAt === null ? 'never' : formatAgo(lastOkAt, now)}
        />
        <Figure
          label="failed"
          value={formatCount(results.failed + results.no_answer)}
          note={`${formatCount(results.no_answer)} without an answer`}
        />
        <Figure label="dropped" value={formatCount(dropped)} note="never sent" />
        <Figure
          label="pairs compared"
          value={formatCount(pairs)}
          note={`${formatCount(unread)} unread`}
        />
        <Figure
          label="disagree"
          value={pairs === 0 ? '–' : formatPercent(disagreed / pairs)}
          note={`status ${disagreements.status} · schema ${disagreements.schema} · value ${disagreements.value}`}
        />
        <Figure
          label="time to the head"
          value={latency(mirror.mirrorHeadMs)}
          note={`live ${latency(mirror.liveHeadMs)}`}
        />
        <Figure
          label="p95"
          value={latency(mirror.p95Ms)}
          note={`p50 ${latency(mirror.p50Ms)} · p99 ${latency(mirror.p99Ms)}`}
        />
      </dl>
      <h3>Last pairs that disagreed</h3>
      {mirror.lastDisagreed.length === 0 ? (
        <p class="muted">None so far.</p>
      ) : (
        <Scrolled label={`Last pairs of ${variant} that disagreed, newest first`}>
          <table>
            <thead>
              <tr>
                <th scope="col">when</th>
                <th scope="col">request</th>
                <th scope="col">in</th>
                <th scope="col">live answer</th>
                <th scope="col">{variant}'s answer</th>
                <th scope="col" class="number">
                  difference
                </th>
                <th scope="col" class="number">
                  live
                </th>
                <th scope="col" class="number">
                  {variant}
                </th>
              </tr>
            </thead>
            <tbody>
              {mirror.lastDisagreed.toReversed().map((pair) => (
                <tr key={`${pair.at} ${pair.requestId}`}>
                  <td>{formatAgo(pair.at, now)}</td>
                  <td class="mono">{pair.requestId}</td>
                  <td>{pair.result}</td>
                  <td>
                    {show(pair.live)} <span class="muted">{pair.answeredBy}</span>
                  </td>
                  <td>{show(pair.mirror)}</td>
                  <td class="number">{differenceOf(pair.live, pair.mirror)}</td>
                  <td class="number">{latency(pair.liveMs)}</td>
                  <td class="number">{latency(pair.mirrorMs)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </Scrolled>
      )}
    </section>
  )
}

type Value = MirrorJson['lastDisagreed'][number]['live']

function show(value: Value): string {
  if (value === null) return 'nothing read'
  return typeof value === 'number' ? formatNumber(value) : String(value)
}

function differenceOf(live: Value, mirror: Value): string {
  if (typeof live !== 'number' || typeof mirror !== 'number') return '–'
  return `${mirror > live ? '+' : ''}${formatNumber(mirror - live)}`
}

function latency(ms: number | null): string {
  return ms === null ? '–' : formatValue('latency', ms)
}
