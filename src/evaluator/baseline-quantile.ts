import { BASELINE } from '../domain/variant.ts'
import type { CycleBook } from './cycle-book.ts'

/** Samples that a latency quantile is read from, at least: 4 / (1 − q). */
const QUANTILE_SAMPLES = 4

/** The q-quantile of the baseline's latencies lately, in ms, of all draws or a segment's; null = too few of them. */
export function baselineQuantile(
  { variants }: Pick<CycleBook, 'variants'>,
  q: number,
  segment: string | undefined,
): number | null {
  const drawn = variants.get(BASELINE)!.drawnOf(segment)
  return drawn.count < QUANTILE_SAMPLES / (1 - q) ? null : drawn.quantile(q)
}
