import { setTimeout as delay } from 'node:timers/promises'

/** The answer, or a rejection where it takes longer than `ms`. */
export async function inTime<T>(ms: number, answer: Promise<T>): Promise<T> {
  const over = new AbortController()
  const late = delay(ms, null, { signal: over.signal }).then(() => {
    throw new Error(`no answer within ${ms} ms`)
  })
  try {
    return await Promise.race([answer, late])
  } finally {
    over.abort()
    late.catch(() => {})
  }
}
