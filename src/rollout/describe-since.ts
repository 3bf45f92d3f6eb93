import type { MetricReport, ShownSince, SlowShares } from '../domain/verdict.ts'
import { formatCount, formatNumber, formatValue } from './format.ts'

/**
 * What harm that is shown shows in, after a semicolon, where the values of the whole attempt hide it: an outage of
 * the baseline does so, or a rate that changed together with the weights. Empty where these values show it, or where
 * nothing else that is known does.
 */
export function describeSince(report: MetricReport): string {
  const { baseline, canary, slow, since, ratio, better } = report
  const isSeen = isWorse(report, slow ?? { baseline: baseline.value, canary: canary.value })
  if (since !== undefined && isWorse(report, since)) {
    return since.point === 'attempt' && isSeen
      ? ''
      : `; ${placeOf(since)} ${valuesOf(report, since)}`
  }
  if (isSeen || ratio === null) return ''
  const { estimate, lower, upper } = ratio
  if (better === 'lower' ? lower <= 1 : upper >= 1) return ''
  const [point, least, most] = [estimate, lower, upper].map(formatNumber)
  return `; with the weights taken into account the ratio is ${point}, between ${least} and ${most}`
}

/** Whether the canary's value is worse by more than harm allows; of slow requests any more of them are. */
function isWorse(
  { better, margins, slow }: MetricReport,
  { baseline, canary }: SlowShares | ShownSince,
): boolean {
  if (baseline === null || canary === null) return false
  const margin = slow === undefined ? margins!.harm : 0
  return better === 'lower' ? canary > baseline * (1 + margin) : canary < baseline * (1 - margin)
}

function placeOf({ point, units }: ShownSince): string {
  const judged = `${formatCount(units)} units judged`
  switch (point) {
    case 'attempt':
      return `with the weights taken into account (${judged})`
    case 'step':
      return `since this step began (${judged})`
    case 'later':
      return `in the last ${judged}`
  }
}

function valuesOf({ kind, slow }: MetricReport, { baseline, canary }: ShownSince): string {
  const [onCanary, onBaseline] = [canary, baseline].map((value) =>
    formatValue(slow === undefined ? kind : 'share', value),
  )
  return `about ${onCanary} against ${onBaseline}`
}
