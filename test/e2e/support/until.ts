import { setTimeout as delay } from 'node:timers/promises'

/** Waits at most this long: far beyond what a busy machine needs, so that only a fault reaches it. */
const DEADLINE_MS = 60_000
const POLL_MS = 50

/**
 * Asks again and again until the answer is neither null, undefined nor false, and gives it. Rejects with `what` when it
 * has not come in time; errors of `ask` are passed on at once.
 */
export async function until<T>(
  what: string,
  ask: () => Promise<T | null | undefined | false> | T | null | undefined | false,
  deadlineMs = DEADLINE_MS,
): Promise<T> {
  const end = performance.now() + deadlineMs
  for (;;) {
    const found = await ask()
    if (found !== null && found !== undefined && found !== false) return found
    if (performance.now() > end) throw new Error(`not within ${deadlineMs} ms: ${what}`)
    await delay(POLL_MS)
  }
}
