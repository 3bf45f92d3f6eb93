/** The token, kept for this tab alone: closing the tab forgets it. */
const KEY = 'serin.token'

/** The token of this tab; null = none was given. */
export function readToken(): string | null {
  return sessionStorage.getItem(KEY)
}

/** Keeps a token for this tab. */
export function keepToken(token: string): void {
  sessionStorage.setItem(KEY, token)
}

/** Forgets the token of this tab. */
export function forgetToken(): void {
  sessionStorage.removeItem(KEY)
}
