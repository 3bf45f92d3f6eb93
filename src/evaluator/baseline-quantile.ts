import type { LatencyQuantile } from '../domain/rollout-spec.ts'
import { BASELINE } from '../domain/variant.ts'
import type { CycleBook } from './cycle-book.ts'

/** Samples that a latency quantile is read from, at least: 4 / (1 − q). */
const QUANTILE_SAMPLES = 4

/** A quantile of the baseline's latencies lately, in ms, of all draws or a segment's; null = too few of them. */
export function baselineQuantile(
  { variants }: Pick<CycleBook, 'variants'>,
  asked: LatencyQuantile,
  segment: string | undefined,
): number | null {
  const drawn = variants.get(BASELINE)!.drawnOf(asked, segment)
  const { quantile } = asked
  return drawn.count < QUANTILE_SAMPLES / (1 - quantile) ? null : drawn.quantile(quantile)
}
