import type { OpenLoopDriver } from '../load/open-loop-driver.ts'
import type { OpenLoopOrder } from '../load/open-loop.ts'
import { spread } from '../spread.ts'

/** Going direct, the driver keeps a rate when the median of the bursts' p99 is no more than that. */
const KEPT_P99_MS = 0.5
const BURSTS = 3
/** From one rate to the next. */
const STEP = 0.85

/**
 * The highest rate that the driver keeps with the upstream alone, both on one core, at most `wanted`: what latencies at
 * a higher one would tell is the driver's. It goes down from `wanted` until a rate is kept, or not even a hundredth is.
 */
export async function findKeptRate(
  driver: OpenLoopDriver,
  order: Omit<OpenLoopOrder, 'ratePerSecond'>,
  wanted: number,
  say: (line: string) => void,
): Promise<number> {
  // Its first burst finds the driver cold.
  await driver.drive({ ...order, ratePerSecond: Math.max(1, Math.floor(wanted)) })
  for (let rate = wanted; ; rate *= STEP) {
    const ratePerSecond = Math.max(1, Math.floor(rate))
    const p99s: number[] = []
    for (let i = 0; i < BURSTS; i += 1) {
      p99s.push((await driver.drive({ ...order, ratePerSecond })).p99Ms)
    }
    const p99 = spread(p99s).median
    say(`direct  p99 ${p99.toFixed(2)} ms at ${ratePerSecond} requests/s`)
    if (p99 <= KEPT_P99_MS || rate < wanted / 100) return ratePerSecond
  }
}
