import {
  effectOfFailure,
  hasOwnFigures,
  isHarmShown,
  limitFigures,
} from '../domain/metric-facts.ts'
import type { LogEvidenceJson, MetricJson } from '../admin/present-metric.ts'
import {
  formatCount,
  formatFloor,
  formatKind,
  formatLimit,
  formatNumber,
  formatOdds,
  formatOddsSoFar,
  formatPercent,
  formatValue,
} from '../rollout/format.ts'
import { WITHOUT_OUTAGES } from '../rollout/missing-proofs.ts'
import { describeUnscored } from '../rollout/missing-scores.ts'
import { describeMixed, describeRatio } from './describe-ratio.ts'
import { describeGuard } from './describe-guard.ts'
import { describePoints, hasLargeShares, possibleUpper, WHOSE_EVENTS } from './describe-shares.ts'
import { explainThreshold } from './explain-threshold.ts'

/** One sentence or more; set in by so many blanks. An empty text is an empty line. */
export type ExplainedLine = { readonly indent: number; readonly text: string }

/** Writes what a metric showed as sentences, after an empty line. */
export function explainMetric(metric: MetricJson): readonly ExplainedLine[] {
  if (metric.kind === 'drift') return explainDrift(metric)
  if (metric.kind === 'disagreement') return explainDisagreement(metric)
  const { name, kind, margins, cap, baseline, canary, ratio, limit, evidence } = metric
  const isWorse = `that the canary is ${describeMargin('more than', margins?.harm)}worse`
  const floor = formatFloor(margins?.floor ?? 0)
  const isNoWorse = `that it is no more than ${describeMargin('', margins?.proof)}worse${floor}`
  const sides = `The ${describeSides(kind, baseline, canary)}`
  return [
    line(0, ''),
    line(0, `${name} (${formatKind(metric)}${describeRole(metric)}): ${describeVerdict(metric)}`),
    line(2, sides),
    ...describeSlow(metric),
    ...describeGuard(metric).map((text) => line(2, text)),
    ...(metric.unscored === null ? [] : [line(2, `${describeUnscored(metric.unscored)}.`)]),
    ...describeUnread(metric),
    ...(cap === null
      ? []
      : [line(2, `Values above ${formatNumber(cap)} count as ${formatNumber(cap)} here.`)]),
    ...describeShares(metric),
    ...(ratio === null
      ? []
      : [
          line(
            2,
            `${describeRatio({ ...ratio, upper: possibleUpper(metric) })}${describeMixed(metric)}`,
          ),
        ]),
    ...describeEvidence(isWorse, evidence.harm),
    ...describeEvidence(isNoWorse, evidence.nonInferiority),
    ...describeEvidence('of the same from this step alone', evidence.stepNonInferiority),
    ...(metric.withoutOutages ? [line(2, `Of that evidence ${WITHOUT_OUTAGES}.`)] : []),
    ...describeAllowed(metric),
    ...describeBothShown(metric),
    ...(limit === null
      ? []
      : [
          line(2, `The limit is ${formatLimit(kind, limit)}${describeLimit(limit)}.`),
          ...describeHeld(metric),
        ]),
    ...(metric.threshold === null
      ? []
      : explainThreshold(metric, metric.threshold).map((text) => line(2, text))),
    ...(metric.error === null ? [] : [line(2, `Why it could not be read: ${metric.error}.`)]),
  ]
}

function describeShares(metric: MetricJson): readonly ExplainedLine[] {
  if (!hasLargeShares(metric)) return []
  return [line(2, `The canary's share is ${describePoints(metric)}. ${WHOSE_EVENTS}`)]
}

function describeSlow(metric: MetricJson): readonly ExplainedLine[] {
  const { slow } = metric
  if (slow === null) return []
  const shares = `${formatValue('share', slow.canary)} of the canary's requests against ${formatValue('share', slow.baseline)} of the baseline's`
  return [
    line(
      2,
      "Those are of the last answers, the older the less; the baseline's go back before this attempt.",
    ),
    line(
      2,
      `Slow or failed in this attempt: ${shares}. This is compared; a failure is slow, however fast it came.`,
    ),
    ...describeSlowFrom(metric),
  ]
}

function describeSlowFrom({ baseline, margins }: MetricJson): readonly ExplainedLine[] {
  const { value } = baseline
  if (value === null) return []
  const now = (ms: number) => `now ${formatValue('latency', ms)}`
  const margin = margins?.proof ?? 0
  const ofCanary =
    margin === 0
      ? ''
      : `, one of the canary above ${formatPercent(margin)} more (${now(value * (1 + margin))})`
  const text = `A request is slow above the baseline's quantile as it was at its time (${now(value)})${ofCanary}.`
  return [line(2, text)]
}

// With a floor far above the baseline's value "50 % worse" alone says nothing of what is allowed.
function describeAllowed({
  kind,
  margins,
  baseline,
  evidence,
}: MetricJson): readonly ExplainedLine[] {
  if (margins === null || margins.floor === 0 || margins.proof === null) return []
  if (evidence.nonInferiority === null || baseline.value === null) return []
  const allowed = baseline.value * (1 + margins.proof) + margins.floor
  const [most, now] = [allowed, baseline.value].map((value) => formatValue(kind, value))
  return [
    line(2, `So up to ${most} on the canary is no worse here, where the baseline has ${now}.`),
  ]
}

function describeBothShown({ evidence }: MetricJson): readonly ExplainedLine[] {
  const [harm, proof] = [evidence.harm, evidence.nonInferiority].map(isShown)
  if (!harm || !proof) return []
  const text =
    'Both can be shown: worse than the baseline, and within what is allowed. Each stands at its largest so far, so what shows it no worse may be from before it failed.'
  return [line(2, text)]
}

// Labels that come are of no use without the predictions they belong to.
function describeUnread({ unreadable }: MetricJson): readonly ExplainedLine[] {
  return unreadable === null ? [] : [line(2, `Beside it, ${unreadable}`)]
}

// What rolls back is the usual one.
function describeRole(metric: MetricJson): string {
  const effect = effectOfFailure(metric)
  if (effect === null) return ', only reported'
  return effect === 'pause' ? ', pauses' : ''
}

const UNREAD = 'could not be read, which is never counted as failure.'

function describeVerdict(metric: MetricJson): string {
  const { outsideAlpha, threshold } = metric
  if (!outsideAlpha) return describeTested(metric)
  const said = (threshold === null ? COMPARED : MEASURED)[metric.verdict]
  return `${said} Compared, not tested: outside the guarantee α.`
}

function describeTested(metric: MetricJson): string {
  switch (metric.verdict) {
    case 'successful':
      return 'shown to be no worse.'
    case 'failed':
      return isHarmShown(metric) ? 'shown to be worse.' : 'beyond its limit.'
    case 'inconclusive':
      return isHarmShown(metric)
        ? 'shown to be worse, by too little to act on.'
        : 'nothing is shown yet.'
    case 'error':
      return UNREAD
  }
}

// Nothing is shown by what is only compared.
const COMPARED: Readonly<Record<MetricJson['verdict'], string>> = {
  successful: 'within its limits.',
  failed: 'beyond its limits.',
  inconclusive: 'nothing can be said yet.',
  error: UNREAD,
}

const MEASURED: typeof COMPARED = {
  ...COMPARED,
  successful: 'its measurements are as they may be.',
  failed: 'its measurements are not as they may be.',
}

function explainDrift(metric: MetricJson): readonly ExplainedLine[] {
  const { name, verdict, drift, baseline, canary, evidence } = metric
  const shown = verdict === 'failed' ? 'a shift is flagged.' : 'no shift is flagged.'
  return [
    line(0, ''),
    line(0, `${name} (drift${describeRole(metric)}, outside of the rollback α): ${shown}`),
    line(2, `Values: n = ${formatCount(baseline.n)} and ${formatCount(canary.n)}.`),
    ...(drift === null ? [line(2, 'The bins are not known yet.')] : describeDrift(drift)),
    ...describeEvidence('of a shift', evidence.harm),
  ]
}

function describeDrift(drift: NonNullable<MetricJson['drift']>): readonly ExplainedLine[] {
  const share = (value: number) => formatPercent(value)
  const bins = drift.canary.map((canary, bin) => {
    const from = drift.edges[bin - 1]
    const to = drift.edges[bin]
    const range =
      from === undefined
        ? `up to ${formatNumber(to!)}`
        : to === undefined
          ? `above ${formatNumber(from)}`
          : `${formatNumber(from)} to ${formatNumber(to)}`
    return line(4, `${range}: ${share(drift.baseline[bin]!)}, ${share(canary)}`)
  })
  const size = `PSI ${formatNumber(drift.psi)} (from ${formatNumber(drift.minPsi)} on it counts), KS ${formatNumber(drift.ks)}, W1 ${formatNumber(drift.w1)}.`
  return [line(2, size), line(2, 'Shares of the baseline and the canary by value:'), ...bins]
}

function explainDisagreement(metric: MetricJson): readonly ExplainedLine[] {
  const { name, kind, verdict, canary, evidence, limit, bounds } = metric
  const max = formatLimit(kind, limit!)
  const shown = {
    ...{ failed: `shown to be above ${max}.`, successful: `shown to be below ${max}.` },
    ...{ inconclusive: 'nothing is shown yet.', error: UNREAD },
  }[verdict]
  const share =
    canary.n === 0
      ? 'No pair of answers was compared.'
      : `${formatValue(kind, canary.value)} of ${formatCount(canary.n)} pairs of answers disagree; excluded are less than ${formatPercent(bounds!.lower)} and more than ${formatPercent(bounds!.upper)}.`
  return [
    line(0, ''),
    line(0, `${name} (${kind}${describeRole(metric)}): ${shown}`),
    line(2, share),
    ...describeEvidence(`that more than ${max} disagree`, evidence.harm),
    ...describeEvidence(`that fewer than ${max} disagree`, evidence.nonInferiority),
  ]
}

function describeMargin(words: string, margin: number | null | undefined): string {
  if (margin === null || margin === undefined || margin === 0) return ''
  return `${words} ${formatPercent(margin)} `.trimStart()
}

function describeEvidence(of: string, evidence: LogEvidenceJson | null): readonly ExplainedLine[] {
  if (evidence === null) return []
  const { log, threshold } = evidence
  const needed = formatOdds(threshold)
  if (log === null) return [line(2, `Evidence ${of}: none at all; ${needed} is needed.`)]
  const result = isShown(evidence) ? 'shown' : 'not shown'
  const size = `e^${log.toFixed(1)} ≈ ${formatOddsSoFar(log, threshold)}`
  return [line(2, `Evidence ${of}: ${size}; ${needed} is needed: ${result}.`)]
}

function isShown(evidence: LogEvidenceJson | null): boolean {
  return evidence !== null && evidence.log !== null && evidence.log >= evidence.threshold
}

function describeLimit(limit: NonNullable<MetricJson['limit']>): string {
  if (limit.tooFew) return '; there are too few samples in this step to judge it'
  if (limit.ticksBeyond === 0) return '; it is kept'
  const both = limit.baselineBeyond ? ', and the baseline is beyond it too' : ''
  const what = limit.byChance
    ? `what is beyond it may be so by chance${describeKeys(limit)}: no look counts, and the step is not left`
    : `it was broken at ${limit.ticksBeyond} looks in a row`
  return `; ${what}${both}`
}

function describeKeys({ countsAs, canary }: NonNullable<MetricJson['limit']>): string {
  if (typeof countsAs !== 'number' || canary === null) return ''
  const counted = `${formatCount(canary.n)} requests count as ${formatCount(countsAs)}`
  return ` (${counted}, since they are of few keys or depend on the key)`
}

// Only where it is no repetition of the values above.
function describeHeld(metric: MetricJson): readonly ExplainedLine[] {
  if (!hasOwnFigures(metric)) return []
  const { canary, baseline } = limitFigures(metric)
  const sides = describeSides(metric.kind, baseline, canary)
  return [line(2, `Held against it, from the step alone: the ${sides}`)]
}

function describeSides(
  kind: string,
  baseline: MetricJson['baseline'],
  canary: MetricJson['canary'],
): string {
  return (
    `baseline has ${formatValue(kind, baseline.value)} (n = ${formatCount(baseline.n)}), ` +
    `the canary ${formatValue(kind, canary.value)} (n = ${formatCount(canary.n)}).`
  )
}

/** A line that is set in by so many blanks. */
export function line(indent: number, text: string): ExplainedLine {
  return { indent, text }
}
