import { AdminError } from './problem.ts'

/** Throws SERIN_BAD_REQUEST on a query parameter that is none of `known`. */
export function refuseUnknown(
  query: Readonly<Record<string, unknown>>,
  known: readonly string[],
): void {
  const unknown = Object.keys(query).find((name) => !known.includes(name))
  if (unknown === undefined) return
  throw new AdminError(
    'SERIN_BAD_REQUEST',
    `unknown query parameter "${unknown}"; known: ${known.join(', ')}`,
  )
}

/** Reads a whole number from `min` to `max`; null where it is absent, SERIN_BAD_REQUEST where it is something else. */
export function parseCount(name: string, text: unknown, min: number, max: number): number | null {
  if (text === undefined) return null
  const count = typeof text === 'string' && /^\d{1,16}$/.test(text) ? Number(text) : NaN
  if (count >= min && count <= max) return count
  throw new AdminError(
    'SERIN_BAD_REQUEST',
    `${name} is ${JSON.stringify(text)}; send a whole number from ${min} to ${max}`,
  )
}
