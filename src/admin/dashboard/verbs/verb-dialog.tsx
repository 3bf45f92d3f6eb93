import { useEffect, useRef, useState } from 'preact/hooks'
import { formatWeight } from '../../../rollout/format.ts'
import type { DecisionJson, ServiceJson } from '../../present.ts'
import { ask, Refusal } from '../link/ask.ts'
import type { Verb } from './verbs.ts'

/** What the verb led to; `pending` = a sentence on what is in force and not stored yet. */
type Answer = { readonly decision: DecisionJson | null; readonly pending: string | null }

/** Asks whether a verb is meant, and why; sends it for the revision that was looked at. */
export function VerbDialog({
  verb,
  service,
  token,
  onClose,
}: {
  readonly verb: Verb
  /** As it is now. */
  readonly service: ServiceJson
  readonly token: string | null
  /** `said`: what was decided; null = the dialog was left. */
  readonly onClose: (said: string | null) => void
}) {
  const dialog = useRef<HTMLDialogElement>(null)
  const [seen, setSeen] = useState(service)
  const [reason, setReason] = useState('')
  const [isOption, setOption] = useState(false)
  const [weight, setWeight] = useState(String(service.weights['canary'] ?? 0))
  const [isSending, setSending] = useState(false)
  const [problem, setProblem] = useState<string | null>(null)
  const isStale = seen.revision !== service.revision

  useEffect(() => dialog.current!.showModal(), [])

  // Closed first, so that the focus goes back to where it was.
  const leave = (said: string | null): void => {
    dialog.current!.close()
    onClose(said)
  }

  const send = async (): Promise<void> => {
    setSending(true)
    setProblem(null)
    try {
      const { decision, pending } = await ask<Answer>(token, pathOf(verb, service.name), {
        method: verb.name === 'weights' ? 'PUT' : 'POST',
        revision: seen.revision,
        body: bodyOf(verb, { reason, isOption, weight }),
      })
      leave(decision?.summary ?? pending ?? 'It was so already: nothing was decided.')
    } catch (error) {
      setProblem(explain(error))
      setSending(false)
    }
  }

  return (
    <dialog
      ref={dialog}
      class="dialog"
      aria-labelledby="verb-title"
      onCancel={(event) => {
        event.preventDefault()
        leave(null)
      }}
    >
      <form
        onSubmit={(event) => {
          event.preventDefault()
          void send()
        }}
      >
        <h2 id="verb-title">
          {verb.label}: {service.name}
        </h2>
        <p>{verb.effect}</p>
        {verb.evidence !== undefined && (
          <p class={`notice notice-${verb.evidence.tone}`}>{verb.evidence.says}</p>
        )}
        <p class="standing">
          You decide on revision {seen.revision ?? '–'}: <b>{describeStanding(seen)}</b>
        </p>
        {verb.name === 'weights' && (
          <label class="field">
            Canary's weight, in percent
            <input
              type="number"
              min="0"
              max="100"
              step="0.01"
              required
              value={weight}
              onInput={(event) => setWeight(event.currentTarget.value)}
            />
          </label>
        )}
        <label class="field">
          Reason <span class="muted">(stands in the decision log)</span>
          <input
            type="text"
            maxLength={1000}
            autocomplete="off"
            value={reason}
            onInput={(event) => setReason(event.currentTarget.value)}
          />
        </label>
        {verb.option !== undefined && (
          <label class="check">
            <input
              type="checkbox"
              checked={isOption}
              onChange={(event) => setOption(event.currentTarget.checked)}
            />
            {verb.option.label}
          </label>
        )}
        {isStale && (
          <div class="notice notice-warn" role="alert">
            <p>
              It has changed since you looked: <b>{describeStanding(service)}</b> (revision{' '}
              {service.revision}). {service.lastDecision?.summary}
            </p>
            <button type="button" class="button" onClick={() => setSeen(service)}>
              I have seen it
            </button>
          </div>
        )}
        {problem !== null && (
          <p class="notice notice-bad" role="alert">
            {problem}
          </p>
        )}
        <div class="actions">
          <button type="button" class="button" onClick={() => leave(null)}>
            Cancel
          </button>
          <button
            type="submit"
            class={`button button-${verb.tone}`}
            disabled={isSending || isStale}
          >
            {isSending ? 'Asking …' : verb.label}
          </button>
        </div>
      </form>
    </dialog>
  )
}

function pathOf({ name }: Verb, service: string): string {
  return `api/v1/services/${encodeURIComponent(service)}/${name}`
}

function bodyOf(
  { name, variant, option }: Verb,
  given: { readonly reason: string; readonly isOption: boolean; readonly weight: string },
): Readonly<Record<string, unknown>> {
  const reason = given.reason.trim()
  return {
    ...(reason === '' ? {} : { reason }),
    ...(variant === undefined ? {} : { variant }),
    ...(option === undefined || !given.isOption ? {} : { [option.name]: true }),
    ...(name === 'weights' ? { canary: Number(given.weight) } : {}),
  }
}

function describeStanding({ phase, weights, winner, step }: ServiceJson): string {
  if (phase === null) return winner === null ? 'the configured weights' : `${winner} promoted`
  const at = `canary at ${formatWeight(weights['canary'] ?? 0)}`
  return step?.kind == null
    ? `${phase}, ${at}`
    : `${phase}, step ${step.index + 1} of ${step.of}, ${at}`
}

function explain(error: unknown): string {
  if (!(error instanceof Refusal)) {
    return 'The gateway did not answer. Whether it decided is not known: look at the decision log before you ask again.'
  }
  switch (error.status) {
    case 412:
      return `Somebody or something decided meanwhile: ${error.message}. Look at what is new, then decide again.`
    case 409:
      return `Refused: ${error.message}.`
    case 403:
      return `Not allowed: ${error.message}.`
    case 401:
      return `The token is not good any more: ${error.message}. Sign in again.`
    default:
      return error.message
  }
}
