import { useCallback, useEffect, useState } from 'preact/hooks'
import type { MeJson } from '../../identity.ts'
import { ask, Refusal } from '../link/ask.ts'
import { forgetToken, keepToken, readToken } from '../link/stored-token.ts'

/** Who looks at the dashboard. */
export type Identity =
  | { readonly is: 'unknown' }
  | { readonly is: 'known'; readonly me: MeJson; readonly token: string | null }
  /** A token is wanted; `why` says what was wrong with the last one. */
  | { readonly is: 'asked'; readonly why: string | null }
  /** The gateway does not answer. */
  | { readonly is: 'away' }

/** Who looks at the dashboard, and how to change that. */
export type IdentityControl = {
  readonly identity: Identity
  readonly enter: (token: string) => void
  readonly leave: (why?: string) => void
}

const RETRY_MS = 2000

/** Asks the gateway who this tab is, with the tab's token where it has one. */
export function useIdentity(): IdentityControl {
  const [token, setToken] = useState(readToken)
  const [identity, setIdentity] = useState<Identity>({ is: 'unknown' })
  const [attempt, setAttempt] = useState(0)

  useEffect(() => {
    let isCurrent = true
    let timer: ReturnType<typeof setTimeout> | undefined
    ask<MeJson>(token, 'api/v1/me').then(
      (me) => {
        if (!isCurrent) return
        if (me.scopes.includes('read')) return setIdentity({ is: 'known', me, token })
        forgetToken()
        setIdentity({ is: 'asked', why: describeLack(me) })
      },
      (error: unknown) => {
        if (!isCurrent) return
        if (error instanceof Refusal && error.status < 500) {
          // Nobody has to be told what is wrong before anything was tried.
          const why = token === null && error.status === 401 ? null : error.message
          forgetToken()
          setIdentity({ is: 'asked', why })
          return
        }
        setIdentity({ is: 'away' })
        timer = setTimeout(() => setAttempt((n) => n + 1), RETRY_MS)
      },
    )
    return () => {
      isCurrent = false
      clearTimeout(timer)
    }
  }, [token, attempt])

  const enter = useCallback((given: string) => {
    keepToken(given)
    setIdentity({ is: 'unknown' })
    setToken(given)
    setAttempt((n) => n + 1)
  }, [])

  const leave = useCallback((why?: string) => {
    forgetToken()
    setIdentity({ is: 'asked', why: why ?? null })
  }, [])

  return { identity, enter, leave }
}

// In the gateway's own words.
function describeLack({ actor, scopes }: MeJson): string {
  return `token "${actor}" has the scopes ${scopes.join(', ')}; this needs read`
}
