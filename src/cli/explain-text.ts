import type { LogEvidenceJson, MetricJson, RatioJson } from '../admin/present-metric.ts'
import type { DecisionJson } from '../admin/present.ts'
import type { Standing } from '../domain/decision.ts'
import {
  formatCount,
  formatLimit,
  formatNumber,
  formatOdds,
  formatPercent,
  formatValue,
} from '../rollout/format.ts'
import { describeUnscored } from '../rollout/missing-scores.ts'
import { explainThreshold } from './explain-threshold.ts'
import { renderWeights } from './render-command.ts'

/** One sentence or more; set in by so many blanks. An empty text is an empty line. */
export type ExplainedLine = { readonly indent: number; readonly text: string }

/** Writes a decision as sentences: what, when, who, why, and what each metric showed. */
export function explainDecision(decision: DecisionJson): readonly ExplainedLine[] {
  const { id, service, rollout, at, action, note, from, to } = decision
  return [
    line(
      0,
      `Decision ${id} of ${service} (${rollout}): ${isMovedByHold(decision) ? 'the configuration moved the weights' : ACTIONS[action]}.`,
    ),
    line(0, decision.summary),
    line(0, ''),
    line(0, `When: ${at}, under configuration ${decision.configHash}.`),
    line(0, `Who: ${describeActor(decision)}.`),
    line(0, `Why: ${REASONS[decision.reason] ?? decision.reason}.`),
    ...(note === null ? [] : [line(0, `Given reason: ${note}`)]),
    line(0, `From: ${describeStanding(from)}.`),
    line(0, `To: ${describeStanding(to)}.`),
    ...decision.metrics.flatMap(explainMetric),
  ]
}

// A configuration that names another rollout, or other steps, gives the baseline everything.
function isMovedByHold({ action, from, to }: DecisionJson): boolean {
  return action === 'hold' && renderWeights(from.weights) !== renderWeights(to.weights)
}

function describeActor({ actor, reason }: DecisionJson): string {
  if (actor !== 'evaluator') return actor
  return reason === 'timer' ? 'the evaluator, as planned' : 'the evaluator, from the evidence'
}

const ACTIONS: Readonly<Record<DecisionJson['action'], string>> = {
  start: 'the rollout was started',
  advance: 'the canary was given more',
  promote: 'the canary was promoted',
  rollback: 'the canary was rolled back',
  pause: 'the rollout was paused',
  resume: 'the rollout was resumed',
  override: 'the weights were overridden',
  retry: 'a new attempt was started',
  undo: 'the promotion was taken back',
  hold: 'nothing was moved',
}

/** Reasons that are not the name of a metric. */
const REASONS: Readonly<Record<string, string>> = {
  operator: 'an operator asked for it',
  breaker:
    'the breaker: too many of the last attempts failed (crude and fast, outside the guarantee α)',
  'variant-down': 'the canary had no healthy upstream (outside the guarantee α)',
  'ratio-mismatch': 'the variants did not get the shares that their weights say',
  baseline: 'the baseline itself was down or failed as badly',
  'max-duration': 'the time that the rollout may take was over',
  'no-traffic': 'there were no requests to judge',
  'canary-ready': 'the canary became healthy',
  evidence: 'every requirement of the step was met',
  minimum: 'a minimum of time, requests or labels was not reached',
  inconclusive: 'the evidence was not conclusive yet',
  unscored: 'labels came that a metric cannot score',
  limit: 'an absolute limit was not kept',
  error: 'a metric could not be read where it is asked for',
  confirmation:
    'everything was ready for 100 %, but nobody had confirmed it yet (`confirm-promotion`)',
  approval: 'the plan waits for an approval here',
  timer: 'the plan has a timed pause, which begins or is over',
  'canary-not-ready': 'no upstream of the canary could be reached',
  'new-version': 'the configuration names other versions',
  'rolled-back-before': 'the configuration names a version that was rolled back before',
  'steps-changed': 'the configuration has other steps',
  'analysis-changed': 'the configuration has another analysis',
  'watch-over': 'the watch at 100 % ended without an alarm',
}

function explainMetric(metric: MetricJson): readonly ExplainedLine[] {
  if (metric.kind === 'drift') return explainDrift(metric)
  if (metric.kind === 'disagreement') return explainDisagreement(metric)
  const { name, kind, margins, cap, baseline, canary, ratio, limit, evidence } = metric
  const isWorse = `that the canary is ${describeMargin('more than', margins?.harm)}worse`
  const isNoWorse = `that it is no more than ${describeMargin('', margins?.proof)}worse`
  const role = metric.required ? '' : ', shown only'
  const sides =
    `The baseline has ${formatValue(kind, baseline.value)} (n = ${formatCount(baseline.n)}), ` +
    `the canary ${formatValue(kind, canary.value)} (n = ${formatCount(canary.n)}).`
  return [
    line(0, ''),
    line(0, `${name} (${kind}${role}): ${describeVerdict(metric)}`),
    line(2, sides),
    ...describeSlow(metric),
    ...describeAboveCap(metric),
    ...(metric.unscored === null ? [] : [line(2, `${describeUnscored(metric.unscored)}.`)]),
    ...(cap === null
      ? []
      : [line(2, `Values above ${formatNumber(cap)} count as ${formatNumber(cap)} here.`)]),
    ...(ratio === null ? [] : [line(2, describeRatio(ratio))]),
    ...describeEvidence(isWorse, evidence.harm),
    ...describeEvidence(isNoWorse, evidence.nonInferiority),
    ...describeEvidence('of the same from this step alone', evidence.stepNonInferiority),
    ...(limit === null
      ? []
      : [line(2, `The limit is ${formatLimit(kind, limit)}${describeLimit(limit)}.`)]),
    ...(metric.threshold === null
      ? []
      : explainThreshold(metric, metric.threshold).map((text) => line(2, text))),
    ...(metric.error === null ? [] : [line(2, `Why it could not be read: ${metric.error}.`)]),
  ]
}

function describeSlow({ slow }: MetricJson): readonly ExplainedLine[] {
  if (slow === null) return []
  const shares = `${formatValue('share', slow.canary)} of the canary's requests against ${formatValue('share', slow.baseline)} of the baseline's`
  return [
    line(
      2,
      `Slow or failed: ${shares}. This is compared; a failure is slow, however fast it came.`,
    ),
  ]
}

// Nobody has configured this one: it comes with its metric.
function describeAboveCap({ name }: MetricJson): readonly ExplainedLine[] {
  const [metric, rest] = name.split('/above-cap')
  if (rest === undefined) return []
  const text = `It guards ${metric}: the share of values above its cap, which its mean cannot see. A larger \`cap\` of ${metric} leaves fewer values above it.`
  return [line(2, text)]
}

const VERDICTS: Readonly<Record<MetricJson['verdict'], string>> = {
  successful: 'shown to be no worse.',
  failed: 'shown to be worse, or beyond its limit.',
  inconclusive: 'nothing is shown yet.',
  error: 'could not be read, which is never counted as failure.',
}

// Nothing is shown by what is only compared.
const COMPARED: Readonly<Record<MetricJson['verdict'], string>> = {
  successful: 'within its limits.',
  failed: 'beyond its limits.',
  inconclusive: 'nothing can be said yet.',
  error: VERDICTS.error,
}

function describeVerdict({ verdict, outsideAlpha }: MetricJson): string {
  if (!outsideAlpha) return VERDICTS[verdict]
  return `${COMPARED[verdict]} Compared, not tested: outside the guarantee α.`
}

function explainDrift(metric: MetricJson): readonly ExplainedLine[] {
  const { name, verdict, required, drift, baseline, canary, evidence } = metric
  const role = required ? 'outside of the rollback α' : 'shown only'
  const shown = verdict === 'failed' ? 'a shift is flagged.' : 'no shift is flagged.'
  return [
    line(0, ''),
    line(0, `${name} (drift, ${role}): ${shown}`),
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
  const { name, kind, verdict, required, canary, evidence, limit, bounds } = metric
  const max = formatLimit(kind, limit!)
  const shown = {
    ...{ failed: `shown to be above ${max}.`, successful: `shown to be below ${max}.` },
    ...{ inconclusive: 'nothing is shown yet.', error: VERDICTS.error },
  }[verdict]
  const share =
    canary.n === 0
      ? 'No pair of answers was compared.'
      : `${formatValue(kind, canary.value)} of ${formatCount(canary.n)} pairs of answers disagree; excluded are less than ${formatPercent(bounds!.lower)} and more than ${formatPercent(bounds!.upper)}.`
  return [
    line(0, ''),
    line(0, `${name} (${kind}${required ? '' : ', shown only'}): ${shown}`),
    line(2, share),
    ...describeEvidence(`that more than ${max} disagree`, evidence.harm),
    ...describeEvidence(`that fewer than ${max} disagree`, evidence.nonInferiority),
  ]
}

function describeRatio({ estimate, lower, upper, method }: RatioJson): string {
  const about = method === 'asymptotic' ? ' (an approximation, for reading only)' : ''
  const excluded = [
    ...(upper === null ? [] : [`${describeChange(upper)} and more`]),
    ...(lower === null || lower <= 0 ? [] : [`${describeChange(lower)} and less`]),
  ]
  const point = estimate === null ? 'not known yet' : formatNumber(estimate)
  const bounds =
    excluded.length === 0 ? 'nothing is excluded yet' : `excluded are ${excluded.join(', and ')}`
  return `Canary over baseline is ${point}; ${bounds}${about}.`
}

function describeChange(ratio: number): string {
  const change = formatPercent(Math.abs(ratio - 1))
  return ratio >= 1 ? `a rise of ${change}` : `a fall of ${change}`
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
  const result = log >= threshold ? 'shown' : 'not shown'
  const size = `e^${log.toFixed(1)} ≈ ${formatOdds(log)}`
  return [line(2, `Evidence ${of}: ${size}; ${needed} is needed: ${result}.`)]
}

function describeLimit(limit: NonNullable<MetricJson['limit']>): string {
  if (limit.tooFew) return '; there are too few samples in this step to judge it'
  if (limit.ticksBeyond === 0) return '; it is kept'
  const both = limit.baselineBeyond ? ', and the baseline is beyond it too' : ''
  return `; it was broken at ${limit.ticksBeyond} looks in a row${both}`
}

function describeStanding({ phase, step, weights }: Standing): string {
  const at = phase === 'progressing' || phase === 'paused' ? `, step ${step + 1}` : ''
  return `${phase}${at}, ${renderWeights(weights)}`
}

function line(indent: number, text: string): ExplainedLine {
  return { indent, text }
}
