import { useEffect, useState } from 'preact/hooks'
import type { StepSpec } from '../../../domain/rollout-spec.ts'
import { formatNumber, formatTimeSpan, formatWeight } from '../../../rollout/format.ts'
import type { ServiceJson } from '../../present.ts'
import { ask } from '../link/ask.ts'

/** The steps of a rollout, and which of them is current. */
export function StepTrack({
  service,
  token,
}: {
  readonly service: ServiceJson
  readonly token: string | null
}) {
  const steps = useSteps(service, token)
  const { step, phase } = service
  if (step === null || steps === null) return <div class="steps" />
  const isOver = phase === 'watching' || phase === 'promoted'
  return (
    <ol class="steps" aria-label="Steps">
      {steps.map((each, i) => {
        const isCurrent = step.kind !== null && i === step.index && !isOver
        const isDone = isOver || (phase !== 'idle' && phase !== 'rolled-back' && i < step.index)
        return (
          <li
            key={i}
            class={`step${isCurrent ? ' is-current' : ''}${isDone ? ' is-done' : ''}`}
            aria-current={isCurrent ? 'step' : undefined}
          >
            <span class="step-name">{nameOf(each)}</span>
            <span class="visually-hidden">{isDone ? ', done' : isCurrent ? ', current' : ''}</span>
          </li>
        )
      })}
    </ol>
  )
}

function nameOf(step: StepSpec): string {
  switch (step.kind) {
    case 'weight':
      return formatWeight(step.weightBp / 100)
    case 'mirror':
      return `mirror ${formatNumber(step.share * 100)} %`
    case 'pause':
      return step.durationMs === null ? 'approval' : `pause ${formatTimeSpan(step.durationMs)}`
  }
}

type RunningConfig = {
  readonly services: readonly {
    readonly name: string
    readonly rollout: { readonly steps: readonly StepSpec[] } | null
  }[]
}

/** The steps stand in the configuration: asked for again when the rollout is another one, or its length. */
function useSteps({ name, rollout, step }: ServiceJson, token: string | null) {
  const [steps, setSteps] = useState<readonly StepSpec[] | null>(null)
  useEffect(() => {
    const end = new AbortController()
    ask<RunningConfig>(token, 'api/v1/config', { signal: end.signal }).then(
      ({ services }) => setSteps(services.find((s) => s.name === name)?.rollout?.steps ?? []),
      // Without them the page says the step in words; the connection's trouble is told elsewhere.
      () => setSteps([]),
    )
    return () => end.abort()
  }, [name, rollout, step?.of, token])
  return steps
}
