import { useEffect, useRef } from 'preact/hooks'

/** Asks for the token; `why`: what was wrong with the last one. */
export function TokenPrompt({
  why,
  onEnter,
}: {
  readonly why: string | null
  readonly onEnter: (token: string) => void
}) {
  const field = useRef<HTMLInputElement>(null)
  useEffect(() => {
    document.title = 'serin'
    field.current?.focus()
  }, [])
  return (
    <main class="token-prompt">
      <form
        class="panel"
        onSubmit={(event) => {
          event.preventDefault()
          const token = field.current!.value.trim()
          if (token !== '') onEnter(token)
        }}
      >
        <h1>serin</h1>
        {why !== null && (
          <p class="notice notice-bad" role="alert">
            {why}
          </p>
        )}
        <label class="field">
          Token
          <input
            ref={field}
            type="password"
            autocomplete="off"
            spellcheck={false}
            required
            aria-describedby="token-help"
          />
        </label>
        <p id="token-help" class="muted">
          One of <code>admin.tokens</code> in the gateway's configuration, with the scope{' '}
          <code>read</code>; with <code>operate</code> it may decide too. It is kept for this tab
          alone.
        </p>
        <div class="actions">
          <button type="submit" class="button button-good">
            Sign in
          </button>
        </div>
      </form>
    </main>
  )
}
