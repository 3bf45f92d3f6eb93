import type { ComponentChildren } from 'preact'
import { useEffect, useRef } from 'preact/hooks'
import type { MeJson } from '../../identity.ts'
import type { LinkState } from '../link/follow-events.ts'
import { addressOf } from '../live/use-route.ts'
import { LinkBanner, LinkSign } from './link-banner.tsx'

/** The frame of every view: where one is, who one is, and whether it is live. */
export function Shell({
  title,
  me,
  link,
  storeAway,
  onLeave,
  children,
}: {
  /** Null: all services. */
  readonly title: string | null
  readonly me: MeJson
  readonly link: LinkState
  readonly storeAway: string | null
  /** Null: no token was needed. */
  readonly onLeave: (() => void) | null
  readonly children: ComponentChildren
}) {
  const main = useRef<HTMLElement>(null)
  useEffect(() => {
    document.title = title === null ? 'serin' : `${title} – serin`
    // A reader of the screen begins at the new view, as after the load of a page.
    if (title !== null) main.current?.focus()
    window.scrollTo(0, 0)
  }, [title])
  return (
    <>
      <a
        class="skip"
        href="#main"
        onClick={(event) => {
          event.preventDefault()
          main.current?.focus()
        }}
      >
        Skip to the content
      </a>
      <header class="top">
        <nav aria-label="Where you are">
          <a class="brand" href={addressOf(null)}>
            serin
          </a>
          {title !== null && (
            <>
              <span class="crumb" aria-hidden="true">
                /
              </span>
              <span class="here" aria-current="page">
                {title}
              </span>
            </>
          )}
        </nav>
        <div class="who">
          <LinkSign link={link} storeAway={storeAway} />
          <span class="actor" title={`scopes: ${me.scopes.join(', ')}`}>
            {me.actor}
            {!me.scopes.includes('operate') && <span class="muted"> · read only</span>}
          </span>
          {onLeave !== null && (
            <button type="button" class="button button-small" onClick={onLeave}>
              Sign out
            </button>
          )}
        </div>
      </header>
      <LinkBanner link={link} storeAway={storeAway} />
      <main id="main" ref={main} tabIndex={-1}>
        {children}
      </main>
    </>
  )
}
