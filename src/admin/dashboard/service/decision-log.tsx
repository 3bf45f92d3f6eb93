import { useEffect, useState } from 'preact/hooks'
import { verdictFigures } from '../../../domain/metric-facts.ts'
import { formatCount, formatValue } from '../../../rollout/format.ts'
import type { DecisionJson, DecisionLineJson } from '../../present.ts'
import { Scrolled } from '../charts/chart-figure.tsx'
import { ask } from '../link/ask.ts'
import type { LiveService } from '../live/use-service.ts'
import { Badge } from '../parts/badge.tsx'
import { Sentence } from '../parts/sentence.tsx'
import { formatAgo, formatEvidence, VERDICTS, type Tone } from '../parts/words.ts'
import { verdictOf } from './metric-words.ts'

/** So many decisions are shown at first. */
const SHOWN = 20

/** What was done, why, by whom and on which evidence; newest first. */
export function DecisionLog({
  service,
  decisions,
  log,
  token,
  now,
}: {
  readonly service: string
  readonly decisions: readonly DecisionLineJson[]
  readonly log: LiveService['log']
  readonly token: string | null
  readonly now: number
}) {
  const [isAll, setAll] = useState(false)
  const shown = isAll ? decisions : decisions.slice(0, SHOWN)
  return (
    <section class="panel log-column" aria-labelledby="log-title">
      <h2 id="log-title">Decisions</h2>
      {typeof log === 'object' && (
        <p class="notice notice-warn">The decisions cannot be read now ({log.problem}).</p>
      )}
      {decisions.length === 0 && typeof log !== 'object' && (
        <p class="muted">{log === 'read' ? 'Nothing was decided yet.' : 'Asking the gateway …'}</p>
      )}
      <ol class="log">
        {shown.map((decision) => (
          <li key={decision.id}>
            <p class="log-head">
              <Badge tone={TONES[decision.action]}>{decision.action}</Badge>
              <span class="muted">
                #{decision.id} ·{' '}
                <time dateTime={decision.at} title={new Date(decision.at).toLocaleString()}>
                  {formatAgo(decision.at, now)}
                </time>{' '}
                · {decision.actor}
              </span>
            </p>
            <p>
              <Sentence text={decision.summary} />
            </p>
            {decision.note !== null && <p class="note">“{decision.note}”</p>}
            <Evidence service={service} id={decision.id} token={token} />
          </li>
        ))}
      </ol>
      {shown.length < decisions.length && (
        <button type="button" class="button" onClick={() => setAll(true)}>
          Show all {decisions.length}
        </button>
      )}
      <p class="visually-hidden" role="status">
        {decisions[0]?.summary}
      </p>
    </section>
  )
}

const TONES: Readonly<Record<DecisionJson['action'], Tone>> = {
  start: 'info',
  advance: 'good',
  promote: 'good',
  rollback: 'bad',
  pause: 'warn',
  resume: 'info',
  override: 'warn',
  retry: 'info',
  undo: 'bad',
  hold: 'plain',
  verdict: 'info',
}

function Evidence({
  service,
  id,
  token,
}: {
  readonly service: string
  readonly id: number
  readonly token: string | null
}) {
  const [isOpen, setOpen] = useState(false)
  const [decision, setDecision] = useState<DecisionJson | null>(null)
  const [problem, setProblem] = useState<string | null>(null)
  useEffect(() => {
    if (!isOpen || decision !== null) return
    const end = new AbortController()
    const path = `api/v1/services/${encodeURIComponent(service)}/decisions/${id}`
    ask<DecisionJson>(token, path, { signal: end.signal }).then(
      (read) => {
        setDecision(read)
        setProblem(null)
      },
      (error: unknown) => {
        if (!end.signal.aborted) setProblem((error as Error).message)
      },
    )
    return () => end.abort()
  }, [isOpen, decision, service, id, token])
  return (
    <details class="numbers" onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>
        Evidence<span class="visually-hidden"> of decision {id}</span>
      </summary>
      {problem !== null && <p class="notice notice-warn">{problem}</p>}
      {decision !== null && <EvidenceTable decision={decision} />}
    </details>
  )
}

function EvidenceTable({ decision }: { readonly decision: DecisionJson }) {
  if (decision.metrics.length === 0) {
    return <p class="muted">Nothing was compared when it was decided.</p>
  }
  return (
    <Scrolled label={`Evidence of decision ${decision.id}`}>
      <table>
        <thead>
          <tr>
            <th scope="col">metric</th>
            <th scope="col">verdict</th>
            <th scope="col" class="number">
              baseline
            </th>
            <th scope="col" class="number">
              canary
            </th>
            <th scope="col" class="number">
              worse
            </th>
            <th scope="col" class="number">
              no worse
            </th>
          </tr>
        </thead>
        <tbody>
          {decision.metrics.map((metric) => {
            const { baseline, canary } = verdictFigures(metric)
            return (
              <tr key={metric.name}>
                <th scope="row">{metric.name}</th>
                <td>
                  <Badge tone={VERDICTS[metric.verdict].tone}>{verdictOf(metric)}</Badge>
                </td>
                <td class="number">
                  {formatValue(metric.kind, baseline.value)}{' '}
                  <span class="muted">n {formatCount(baseline.n)}</span>
                </td>
                <td class="number">
                  {formatValue(metric.kind, canary.value)}{' '}
                  <span class="muted">n {formatCount(canary.n)}</span>
                </td>
                <td class="number">{formatEvidence(metric.evidence.harm)}</td>
                <td class="number">{formatEvidence(metric.evidence.nonInferiority)}</td>
              </tr>
            )
          })}
        </tbody>
      </table>
    </Scrolled>
  )
}
