import { useEffect, useState } from 'preact/hooks'
import type { ExperimentsAnswer, PastExperimentJson } from '../../present-experiments.ts'
import { ask } from '../link/ask.ts'
import { Badge } from '../parts/badge.tsx'
import { Sentence } from '../parts/sentence.tsx'
import { verdictInAll } from '../parts/words.ts'
import { ComparisonTable } from './comparison-panel.tsx'

/** The experiments of a fixed split that have ended, with what they had come to; nothing where there is none. */
export function PastExperiments({
  service,
  newest,
  token,
}: {
  readonly service: string
  /** The newest decision: with each one may have ended. Null = there is none. */
  readonly newest: number | null
  readonly token: string | null
}) {
  const [experiments, setExperiments] = useState<readonly PastExperimentJson[]>([])
  useEffect(() => {
    if (newest === null) return
    const end = new AbortController()
    const path = `api/v1/services/${encodeURIComponent(service)}/experiments`
    ask<ExperimentsAnswer>(token, path, { signal: end.signal }).then(
      (answer) => setExperiments(answer.experiments),
      // The banner tells what is wrong with the gateway; what is known stays.
      () => {},
    )
    return () => end.abort()
  }, [service, newest, token])
  if (experiments.length === 0) return null
  return (
    <section class="panel" aria-labelledby="past-experiments">
      <h2 id="past-experiments">Past experiments</h2>
      {experiments.map((experiment) => (
        <Past key={experiment.id} experiment={experiment} />
      ))}
    </section>
  )
}

function Past({ experiment }: { readonly experiment: PastExperimentJson }) {
  const { id, from, to, decision, comparisons } = experiment
  return (
    <article class="past-experiment" aria-label={id}>
      <h3>{id}</h3>
      <p class="muted">
        {new Date(from).toLocaleString()} to {new Date(to).toLocaleString()}
      </p>
      <p>
        <Sentence text={decision.summary} />{' '}
        <span class="muted">
          #{decision.id}, by {decision.actor}
        </span>
      </p>
      {decision.note !== null && <p class="note">“{decision.note}”</p>}
      {comparisons.map((comparison) => (
        <details key={comparison.variant} class="numbers">
          <summary>
            {comparison.variant}{' '}
            <Badge tone={verdictInAll(comparison).tone}>{verdictInAll(comparison).word}</Badge>
          </summary>
          <ComparisonTable comparison={comparison} label={`${comparison.variant} in ${id}`} />
        </details>
      ))}
    </article>
  )
}
