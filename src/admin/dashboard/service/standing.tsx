import { describePause, describePauseEnd } from '../../../domain/describe-pause.ts'
import { describeRollback } from '../../../domain/describe-rollback.ts'
import { formatWeight } from '../../../rollout/format.ts'
import type { ServiceJson } from '../../present.ts'
import { Sentence } from '../parts/sentence.tsx'
import { formatAgo, formatShort } from '../parts/words.ts'

/** Why a service stands where it does: what is missing, until when, and what was decided last. */
export function Standing({
  service,
  storeAway,
  now,
}: {
  readonly service: ServiceJson
  /** Null: it is there. */
  readonly storeAway: string | null
  readonly now: number
}) {
  const { missing, etaSeconds, lastDecision } = service
  const why = describePhase(service, now)
  return (
    <div class="standing-panel">
      {why !== null && (
        <p class="why">
          <Sentence text={why} />
        </p>
      )}
      {missing.length > 0 && (
        <div>
          <h3>What is missing</h3>
          <ul class="missing">
            {missing.map((sentence) => (
              <li key={sentence}>
                <Sentence text={sentence} />
              </li>
            ))}
          </ul>
        </div>
      )}
      {storeAway !== null && (
        <p>
          <b>Nothing moves</b> without the store: what stands here was known before.
        </p>
      )}
      {etaSeconds !== null && storeAway === null && (
        <p>
          <b>Next step</b> in about {formatShort(etaSeconds * 1000)}{' '}
          <span class="muted">(of canaries as good as the baseline, half are there by then)</span>
        </p>
      )}
      {lastDecision !== null && (
        <p>
          <b>Last decision</b>: <Sentence text={lastDecision.summary} />{' '}
          <span class="muted">
            #{lastDecision.id}, {formatAgo(lastDecision.at, now)}, by {lastDecision.actor}
          </span>
        </p>
      )}
    </div>
  )
}

function describePhase(service: ServiceJson, now: number): string | null {
  const { pause, weights } = service
  const until = (iso: string): string => `for another ${formatShort(Date.parse(iso) - now)}`
  if (pause !== null) {
    const isPlanned = pause.by === 'approval' || pause.by === 'timer'
    const ends = pause.until === null ? '' : `, ${until(pause.until)}`
    if (service.strategy === 'blue-green' && isPlanned) {
      return `Preview: the canary is reached by the override alone${ends}.`
    }
    return `Paused ${describePause(pause.by, pause.metric)}${ends}; ${describePauseEnd(pause, service.name)}.`
  }
  if (service.idleReason === 'manual-start') return 'Waits until somebody starts it.'
  if (service.idleReason === 'canary-not-ready') return 'The canary was not healthy yet.'
  if (service.watchUntil !== null) {
    const held = weights['baseline'] ?? 0
    const rest = held === 0 ? '' : ` ${formatWeight(held)} are held back on the baseline.`
    return `Watched ${until(service.watchUntil)}: a rollback still comes by itself.${rest}`
  }
  if (service.rolledBackReason !== null) {
    const { retryFrom } = service
    const isCooling = retryFrom !== null && Date.parse(retryFrom) > now
    const rest = isCooling ? ` The cooldown before a retry goes on ${until(retryFrom)}.` : ''
    return `Rolled back ${describeRollback(service.rolledBackReason)}. The baseline serves everything.${rest}`
  }
  if (service.phase === 'promoted') return 'The canary serves everything.'
  if (service.winner !== null) return `${service.winner} was promoted and serves everything.`
  return service.strategy === 'fixed' ? 'The weights of the configuration hold.' : null
}
