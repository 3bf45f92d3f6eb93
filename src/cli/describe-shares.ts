import type { MetricJson } from '../admin/present-metric.ts'
import { formatNumber } from '../rollout/format.ts'

/** What of a metric is needed to say how far two shares lie apart. */
export type Shares = Pick<MetricJson, 'baseline' | 'canary' | 'ratio'>

/**
 * The share of units with the event from which on the interval that is shown needs a word beside it. It is read from whose
 * the events are, so it varies by √(1/C + 1/B) of them as the draw does, where that of two shares p varies by √(1 − p) of
 * this: a tenth less at 20 %, a third at 50 %.
 */
const LARGE_SHARE = 0.2

/** Why the interval of events is wider than the two shares make it look. */
export const WHOSE_EVENTS =
  'The interval is read from whose the events are, the luck of the draw included: of shares this large it is wider than one of the two shares would be.'

/** Whether a ratio of events is shown beside shares that are large. */
export function hasLargeShares({ baseline, canary, ratio }: Shares): boolean {
  if (ratio === null || ratio.method !== 'exact') return false
  return Math.max(baseline.value ?? 0, canary.value ?? 0) >= LARGE_SHARE
}

/** How far the canary's share lies from the baseline's: `5.9 percentage points higher`. Both must be known. */
export function describePoints({ baseline, canary }: Shares): string {
  const points = (canary.value! - baseline.value!) * 100
  if (points === 0) return 'as large'
  return `${formatNumber(Math.abs(points))} percentage points ${points > 0 ? 'higher' : 'lower'}`
}

/** The upper bound of the ratio; null where none is known, or where it excludes nothing that is possible (a share above 100 %). */
export function possibleUpper({ baseline, ratio }: Shares): number | null {
  const upper = ratio?.upper ?? null
  if (upper === null || ratio!.method !== 'exact') return upper
  return upper * (baseline.value ?? 0) > 1 ? null : upper
}
