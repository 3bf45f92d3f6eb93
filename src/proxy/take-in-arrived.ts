/** A turn of the event loop that is shorter than this has brought nothing. */
const EMPTY_TURN_MS = 0.05

/** A process that is never without work closes all the same: after so many turns, or where they are slow after so long. */
const MOST_TURNS = 1_000
const MOST_MS = 1_000

/**
 * Resolves after a turn of the event loop that brought nothing, or after many, or a second; `monotonic` gives ms. To close a port
 * or a connection resets what waits for it in the kernel, connections and their requests alike: so it is done when
 * all of that has just been taken in.
 */
export async function takeInArrived(monotonic: () => number): Promise<void> {
  const endAt = monotonic() + MOST_MS
  for (let turns = 0; turns < MOST_TURNS; turns++) {
    const begunAt = monotonic()
    if (begunAt >= endAt) return
    await new Promise((resolve) => setImmediate(resolve))
    if (monotonic() - begunAt < EMPTY_TURN_MS) return
  }
}
