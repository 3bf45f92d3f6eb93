import { hookName } from './hook-name.ts'
import type { ConfigPath } from './problem.ts'

const LONGEST = 60

/**
 * What was found at a path, for a message: short, on one line, and never the value of a secret or the
 * user info of an address, nor of a webhook or a provider more than
 * its origin. `source` is how a number was written (`1.40`).
 */
export function describeValue(
  value: unknown,
  path: ConfigPath,
  source: string | null = null,
): string {
  if (value === null || value === undefined) return 'nothing'
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'object') return 'a map'
  if (isSecretPath(path)) return '(hidden)'
  if (isHookPath(path)) return typeof value === 'string' ? hookName(value) : '(hidden)'
  if (typeof value !== 'string') return source ?? String(value)
  const shown = value.replace(/\/\/\S*@/, '//(hidden)@')
  return JSON.stringify(shown.length > LONGEST ? `${shown.slice(0, LONGEST)}…` : shown)
}

/** Of webhooks, and of what a metric asks. */
function isHookPath(path: ConfigPath): boolean {
  return path.at(-1) === 'url'
}

/** Whether the value at a path is a secret, or may be one that was written in the wrong place. */
export function isSecretPath(path: ConfigPath): boolean {
  const [first, second] = path
  const last = path.at(-1)
  if (last === 'token' || last === 'secret' || last === 'override') return true
  if (last === 'headers' || path.at(-2) === 'headers') return true
  const inTokens = first === 'admin' && second === 'tokens'
  return inTokens && !['name', 'scopes', 'expires'].includes(String(path[3]))
}
