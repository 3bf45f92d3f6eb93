import { useState } from 'preact/hooks'
import type { MeJson } from '../../identity.ts'
import type { ServiceJson } from '../../present.ts'
import { VerbDialog } from './verb-dialog.tsx'
import { verbsOf, type Verb } from './verbs.ts'

/** The buttons of what a service can be asked for; without the scope for it, why there are none. */
export function VerbBar({
  service,
  me,
  token,
}: {
  readonly service: ServiceJson
  readonly me: MeJson
  readonly token: string | null
}) {
  const [asked, setAsked] = useState<Verb | null>(null)
  const [said, setSaid] = useState<string | null>(null)
  if (!me.scopes.includes('operate')) {
    return (
      <p class="muted read-only">
        Read only: the token <b>{me.actor}</b> does not have the scope <code>operate</code>.
      </p>
    )
  }
  if (me.services !== null && !me.services.includes(service.name)) {
    return (
      <p class="muted read-only">
        Read only: the token <b>{me.actor}</b> operates {me.services.join(', ')}.
      </p>
    )
  }
  return (
    <div class="verbs">
      <div class="verb-buttons" role="group" aria-label="What to do">
        {verbsOf(service).map((verb) => (
          <button
            key={verb.label}
            type="button"
            class={`button button-${verb.tone}`}
            aria-haspopup="dialog"
            onClick={() => {
              setSaid(null)
              setAsked(verb)
            }}
          >
            {verb.label}
          </button>
        ))}
      </div>
      <p class="said" role="status">
        {said}
      </p>
      {asked !== null && (
        <VerbDialog
          verb={asked}
          service={service}
          token={token}
          onClose={(answer) => {
            setAsked(null)
            setSaid(answer)
          }}
        />
      )}
    </div>
  )
}
