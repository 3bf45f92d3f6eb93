import type { ThresholdReport } from '../domain/verdict.ts'
import { formatCount, formatLimit, formatPercent } from './format.ts'

/** What a measurement may show: `at most 0.9`, `at least 90 % and 10 % less than the baseline`. */
export function describeThreshold(
  kind: string,
  better: 'lower' | 'higher',
  { max, min, maxChange }: Pick<ThresholdReport, 'max' | 'min' | 'maxChange'>,
): string {
  const change = better === 'lower' ? 'more' : 'less'
  const parts = [
    ...(max !== null && min === null ? [`at most ${formatLimit(kind, { max, min })}`] : []),
    ...(min === null ? [] : [formatLimit(kind, { max, min })]),
    ...(maxChange === null ? [] : [`${formatPercent(maxChange)} ${change} than the baseline`]),
  ]
  return parts.join(' and ')
}

/** `1 measurement`, `2 measurements`. */
export function countMeasurements(count: number): string {
  return `${formatCount(count)} measurement${count === 1 ? '' : 's'}`
}
