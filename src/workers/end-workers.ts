import type { WorkerPlace } from './worker-place.ts'

/**
 * Ends all workers: `end` makes each close what it has. Those that fail, or have not ended after `limitMs`,
 * are killed; resolves with what is to be said of them.
 */
export async function endWorkers(
  places: readonly WorkerPlace[],
  limitMs: number,
  sleep: (ms: number, signal: AbortSignal) => Promise<void>,
  end: (place: WorkerPlace) => Promise<void>,
): Promise<readonly string[]> {
  const lost: string[] = []
  const allEnded = new AbortController()
  const late = sleep(limitMs, allEnded.signal).then(async () => {
    // Whoever waits for their answers hears of it.
    if (!allEnded.signal.aborted) await Promise.all(places.map((place) => place.kill()))
  })
  await Promise.all(
    places.map(async (place) => {
      if (place.pid === null) return
      if (place.state === 'serving') place.state = 'draining'
      try {
        await end(place)
        await place.release()
      } catch (error) {
        lost.push((error as Error).message)
        await place.kill()
      }
    }),
  )
  allEnded.abort()
  await late
  return lost
}
