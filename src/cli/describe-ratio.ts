import type { MetricJson, RatioJson } from '../admin/present-metric.ts'
import { formatNumber, formatPercent } from '../rollout/format.ts'

/** From this ratio on a multiple is easier to read than a rise in percent. */
const MULTIPLE_FROM = 10

/**
 * What is known of the canary over the baseline, as a sentence. An interval that lies on one side of 1 says where
 * the canary is; one around 1 says which changes are excluded.
 */
export function describeRatio({ estimate, lower, upper, method, level }: RatioJson): string {
  const at = level === null ? '' : ` at ${formatPercent(level)}`
  const about = method === 'asymptotic' ? ` (an approximation${at}, for reading only)` : ''
  const point = estimate === null ? 'not known yet' : formatNumber(estimate)
  const least = lower === null || lower <= 0 ? null : lower
  return `Canary over baseline is ${point}: ${describeInterval(least, upper)}${about}.`
}

/**
 * Why a ratio is not the quotient of the values that stand beside it, after a blank; empty where it is, to ten percent.
 * Over steps of other weights the two values are of other mixtures of them.
 */
export function describeMixed({
  ratio,
  baseline,
  canary,
}: Pick<MetricJson, 'ratio' | 'baseline' | 'canary'>): string {
  const estimate = ratio?.estimate ?? 0
  if (estimate === 0 || !baseline.value || !canary.value) return ''
  const apart = Math.abs(Math.log((estimate * baseline.value) / canary.value))
  return apart < MIXED_FROM
    ? ''
    : ' It is taken weight by weight and lies within its interval; the two values above are of all weights.'
}

const MIXED_FROM = Math.log(1.1)

/** `lower: null` or `upper: null` = not bounded on that side. */
function describeInterval(lower: number | null, upper: number | null): string {
  if (lower !== null && lower >= 1) return `the canary is ${between(lower, upper)}`
  if (upper !== null && upper <= 1) return `the canary is ${between(upper, lower)}`
  const excluded = [
    ...(upper === null ? [] : [riseTo(upper)]),
    ...(lower === null ? [] : [`a fall of ${sizeOf(lower)} or more`]),
  ]
  if (excluded.length === 0) return 'nothing is excluded yet'
  return `${excluded.join(' and ')} ${excluded.length === 1 ? 'is' : 'are'} excluded`
}

/** Between two ratios on the same side of 1, the one nearer to it first; `far: null` = not bounded there. */
function between(near: number, far: number | null): string {
  if (far === null) return `at least ${sizeOf(near)} ${wordOf(near)}`
  const [least, most] = [sizeOf(near), sizeOf(far)]
  if (wordOf(near) !== wordOf(far)) {
    return `between ${least} ${wordOf(near)} and ${most} ${wordOf(far)}`
  }
  if (least === most) return `about ${least} ${wordOf(near)}`
  return `between ${least} and ${most} ${wordOf(near)}`
}

function riseTo(ratio: number): string {
  return ratio >= MULTIPLE_FROM
    ? `a rise to ${sizeOf(ratio)} the baseline's or more`
    : `a rise of ${sizeOf(ratio)} or more`
}

function wordOf(ratio: number): string {
  if (ratio >= MULTIPLE_FROM) return "the baseline's"
  return ratio >= 1 ? 'higher' : 'lower'
}

function sizeOf(ratio: number): string {
  if (ratio >= MULTIPLE_FROM) return `${formatNumber(ratio)} times`
  return formatPercent(Math.abs(ratio - 1))
}
