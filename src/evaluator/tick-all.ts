import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Clock } from '../domain/clock.ts'

/** Runners are evaluated for so long before the event loop gets its turn, in milliseconds. */
const STRETCH_MS = 1

/** Who has nothing to do is asked faster than the clock is: so many of them for each look at it. */
const ASKED_AT_ONCE = 16

/** Evaluates all of these, and resolves when what each of them stores is stored; requests get their turn in between. */
export async function tickAll(
  runners: readonly { readonly tick: () => Promise<unknown> | null }[],
  clock: Pick<Clock, 'monotonic'>,
): Promise<void> {
  const ticks: Promise<unknown>[] = []
  let begunAt = clock.monotonic()
  let asked = 0
  for (const runner of runners) {
    const tick = runner.tick()
    // What is on its way into the store is not waited for.
    if (tick !== null) ticks.push(tick)
    else if (++asked % ASKED_AT_ONCE !== 0) continue
    if (clock.monotonic() - begunAt < STRETCH_MS) continue
    await nextTurn()
    begunAt = clock.monotonic()
  }
  await Promise.all(ticks)
}
