import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Clock } from '../domain/clock.ts'

/** Runners are evaluated for so long before the event loop gets its turn, in milliseconds. */
const STRETCH_MS = 1

/** Evaluates all of these, and resolves when what each of them stores is stored; requests get their turn in between. */
export async function tickAll(
  runners: readonly { readonly tick: () => Promise<unknown> | null }[],
  clock: Pick<Clock, 'monotonic'>,
): Promise<void> {
  const ticks: Promise<unknown>[] = []
  let begunAt = clock.monotonic()
  for (const runner of runners) {
    const tick = runner.tick()
    if (tick !== null) ticks.push(tick)
    // What is on its way into the store is not waited for.
    if (clock.monotonic() - begunAt < STRETCH_MS) continue
    await nextTurn()
    begunAt = clock.monotonic()
  }
  await Promise.all(ticks)
}
