import type { LinkState } from '../link/follow-events.ts'
import { useNow } from '../live/use-now.ts'

/** Whether what is shown is live. */
export function LinkSign({ link }: { readonly link: LinkState }) {
  const word =
    link.is === 'live' ? 'live' : link.is === 'connecting' ? 'connecting' : 'not connected'
  return (
    <span class={`link-sign link-${link.is}`}>
      <span class="link-dot" aria-hidden="true" />
      {word}
    </span>
  )
}

/** Says that the gateway does not answer, and when it is asked again. */
export function LinkBanner({ link }: { readonly link: LinkState }) {
  const now = useNow(1000)
  if (link.is === 'refused' && link.refusal.status !== 401) {
    return (
      <div class="banner banner-bad" role="alert">
        {link.refusal.message}
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
