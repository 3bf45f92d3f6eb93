import { useMemo, useState } from 'preact/hooks'
import { PHASES } from '../../../domain/decision.ts'
import type { ServiceSummaryJson } from '../../present-summary.ts'
import type { Overview } from '../live/use-overview.ts'
import { useNow } from '../live/use-now.ts'
import { attentionOf, byAttention } from './attention.ts'
import { OverviewRow } from './overview-row.tsx'
import { RefusedReload, WaitingReload } from './refused-reload.tsx'

/** What the list is narrowed to. */
type Choice = 'all' | 'attention' | 'fixed' | (typeof PHASES)[number]

/** All services at a glance: those that want somebody to look come first. */
export function OverviewPage({ services, lastDecision, reload }: Overview) {
  const [words, setWords] = useState('')
  const [choice, setChoice] = useState<Choice>('all')
  const now = useNow(1000)
  const all = useMemo(() => [...(services?.values() ?? [])].sort(byAttention), [services])
  const shown = all.filter((s) => matches(s, words) && belongs(s, choice))
  const choices = (['all', 'attention', ...PHASES, 'fixed'] as const)
    .map((each) => ({ each, count: all.filter((s) => belongs(s, each)).length }))
    .filter(({ each, count }) => count > 0 || each === 'all' || each === choice)
  return (
    <>
      <div class="page-head">
        <h1>Services</h1>
        <label class="search">
          <span class="visually-hidden">Find a service</span>
          <input
            type="search"
            placeholder="Find by name or version"
            value={words}
            onInput={(event) => setWords(event.currentTarget.value)}
          />
        </label>
      </div>
      {reload !== null && <WaitingReload reload={reload} />}
      {reload !== null && <RefusedReload reload={reload} />}
      <div class="filters" role="group" aria-label="Show">
        {choices.map(({ each, count }) => (
          <button
            key={each}
            type="button"
            class="chip"
            aria-pressed={choice === each}
            onClick={() => setChoice(each)}
          >
            {LABELS[each] ?? each} <b>{count}</b>
          </button>
        ))}
      </div>
      {services === null ? (
        <p class="muted loading">Asking the gateway …</p>
      ) : (
        <table class="overview">
          <caption class="visually-hidden">
            {shown.length} of {all.length} services, those that want somebody to look first
          </caption>
          <thead>
            <tr>
              <th scope="col">Service</th>
              <th scope="col">Phase</th>
              <th scope="col">Weights</th>
              <th scope="col">Evidence</th>
              <th scope="col" class="number">
                Errors
              </th>
              <th scope="col">Last decision</th>
            </tr>
          </thead>
          <tbody>
            {shown.map((service) => (
              <OverviewRow key={service.name} service={service} now={now} />
            ))}
          </tbody>
        </table>
      )}
      {services !== null && shown.length === 0 && (
        <p class="muted loading">
          {all.length === 0 ? 'No service is configured.' : 'No service is like that.'}
        </p>
      )}
      <p class="visually-hidden" role="status">
        {lastDecision === null ? '' : `${lastDecision.service}: ${lastDecision.summary}`}
      </p>
    </>
  )
}

const LABELS: Readonly<Partial<Record<Choice, string>>> = {
  all: 'all',
  attention: 'to look at',
  fixed: 'fixed weights',
}

function matches({ name, rollout }: ServiceSummaryJson, words: string): boolean {
  const text = `${name} ${rollout ?? ''}`.toLowerCase()
  return words
    .toLowerCase()
    .split(/\s+/)
    .every((word) => text.includes(word))
}

function belongs(service: ServiceSummaryJson, choice: Choice): boolean {
  switch (choice) {
    case 'all':
      return true
    case 'attention':
      return attentionOf(service) === 0
    case 'fixed':
      return service.phase === null
    default:
      return service.phase === choice
  }
}
