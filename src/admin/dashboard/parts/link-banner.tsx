import type { LinkState } from '../link/follow-events.ts'
import { useNow } from '../live/use-now.ts'

/** Whether what is shown is live: of a gateway whose store is away it is not. */
export function LinkSign({
  link,
  storeAway,
}: {
  readonly link: LinkState
  readonly storeAway: string | null
}) {
  const isStill = link.is === 'live' && storeAway !== null
  const word = isStill ? 'no store' : WORDS[link.is]
  return (
    <span class={`link-sign link-${isStill ? 'away' : link.is}`}>
      <span class="link-dot" aria-hidden="true" />
      {word}
    </span>
  )
}

const WORDS: Readonly<Record<LinkState['is'], string>> = {
  connecting: 'connecting',
  live: 'live',
  away: 'not connected',
  refused: 'not connected',
}

/** Says that the gateway does not answer, and when it is asked again; or that it has no store. */
export function LinkBanner({
  link,
  storeAway,
}: {
  readonly link: LinkState
  /** To be read after "the store is"; null = it is there. */
  readonly storeAway: string | null
}) {
  const now = useNow(1000)
  if (link.is === 'refused' && link.refusal.status !== 401) {
    return (
      <div class="banner banner-bad" role="alert">
        {link.refusal.message}
      </div>
    )
  }
  if (link.is === 'live' && storeAway !== null) {
    return (
      <div class="banner banner-warn" role="alert">
        The store is {storeAway}.
      </div>
    )
  }
  if (link.is !== 'away') return null
  const seconds = Math.max(0, Math.ceil((link.retryAt - now) / 1000))
  return (
    <div class="banner banner-warn">
      <span role="alert">The gateway does not answer: what you see is what it said last.</span>{' '}
      <span class="muted">{seconds === 0 ? 'Asking now …' : `Asking again in ${seconds} s.`}</span>
    </div>
  )
}
