import type { MetricJson } from '../admin/present-metric.ts'
import type { DecisionJson, ServiceJson } from '../admin/present.ts'
import { isHarmShown } from '../domain/metric-facts.ts'
import { describePauseEnd, type KnownPause } from '../domain/describe-pause.ts'
import type { Standing } from '../domain/decision.ts'
import { explainMetric, line, type ExplainedLine } from './explain-metric.ts'
import { renderTime, renderWeights } from './render-command.ts'
import { describeCooldown } from './render-head.ts'
import { formatSeconds } from './render.ts'

/** A service as it stands, at a moment in ms since the epoch. */
export type Present = { readonly service: ServiceJson; readonly at: number }

/**
 * Writes a decision as sentences: what, when, who, why, what each metric showed where evidence decided, and what
 * can be done now where the rollout has ended. `present`: its service, where it is the last decision and not asked
 * for by its number: while the rollout goes on, its figures of now stand in place of the decision's.
 */
export function explainDecision(
  decision: DecisionJson,
  present: Present | null = null,
): readonly ExplainedLine[] {
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
    line(0, `Why: ${describeReason(decision)}.`),
    ...(note === null ? [] : [line(0, `Given reason: ${note}`)]),
    line(0, `From: ${describeStanding(from)}.`),
    line(0, `To: ${describeStanding(to)}.`),
    ...explainFigures(decision, present),
    ...explainNotice(present),
    ...describeNext(decision, present),
  ]
}

// A configuration that names another rollout, or other steps, gives the baseline everything.
function isMovedByHold({ action, from, to }: DecisionJson): boolean {
  return action === 'hold' && renderWeights(from.weights) !== renderWeights(to.weights)
}

function describeActor(decision: DecisionJson): string {
  const { actor, reason } = decision
  if (actor !== 'evaluator') return actor
  const failed = failedMetricOf(decision)
  // A limit, or a measurement, is no evidence.
  if (failed !== undefined && !isHarmShown(failed)) return 'the evaluator, outside α'
  if (PLANNED.has(reason)) return 'the evaluator, as planned'
  return WITHOUT_EVIDENCE.has(reason) ? 'the evaluator' : 'the evaluator, from the evidence'
}

// The metric that decided comes first; where none did, their evidence explains nothing.
function decidingFirst({ reason, metrics }: DecisionJson): readonly MetricJson[] {
  if (WITHOUT_EVIDENCE.has(reason)) return []
  const [deciding, others] = [true, false].map((decides) =>
    metrics.filter(({ name }) => (name === reason) === decides),
  )
  return [...deciding!, ...others!]
}

// What has been judged since says what is waited for; where somebody is waited for, the decision says why.
function explainFigures(decision: DecisionJson, present: Present | null): readonly ExplainedLine[] {
  const figures = decidingFirst(decision).flatMap(explainMetric)
  if (present === null) return figures
  const { phase, pause, metrics } = present.service
  const isUnderWay = phase === 'progressing' || pause?.by === 'approval' || pause?.by === 'timer'
  // A process that follows another one's decisions knows no figures.
  if (isUnderWay && metrics.length > 0) return explainPresent(decision, present)
  if (figures.length === 0 || phase === 'rolled-back' || phase === 'promoted') return figures
  const ago = formatSeconds((present.at - Date.parse(decision.at)) / 1000)
  return [line(0, ''), line(0, `As of the decision, ${ago} ago:`), ...figures]
}

function explainPresent(
  { service: name, id }: DecisionJson,
  { service, at }: Present,
): readonly ExplainedLine[] {
  const { metrics, missing, etaSeconds } = service
  const head = `As of now, ${renderTime(new Date(at).toISOString())} (\`serin explain ${name} ${id}\`: as of the decision):`
  const next =
    etaSeconds === null ? [] : [`The next step is in about ${formatSeconds(etaSeconds)}.`]
  const waits = [...missing.map((sentence) => `Missing: ${sentence}.`), ...next]
  return [
    line(0, ''),
    line(0, head),
    ...waits.map((text) => line(2, text)),
    ...metrics.flatMap(explainMetric),
  ]
}

function explainNotice(present: Present | null): readonly ExplainedLine[] {
  const notice = present?.service.notice ?? null
  return notice === null ? [] : [line(0, ''), line(0, `Note: ${notice}.`)]
}

function describeNext(decision: DecisionJson, present: Present | null): readonly ExplainedLine[] {
  const { service, rollout, to } = decision
  if (to.phase === 'paused') {
    const pause = present?.service.pause ?? pauseOf(decision)
    return pause === null
      ? []
      : [line(0, ''), line(0, `Next: ${describePauseEnd(pause, service)}.`)]
  }
  const arrow = rollout.lastIndexOf('->')
  const next = NEXT[to.phase]
  // Of an experiment the configuration names the weights, whoever has won.
  if (arrow === -1 || next === undefined) return []
  const version = rollout.slice(arrow + 2, rollout.lastIndexOf('#'))
  const cooldown = present === null ? '' : describeCooldown(present.service)
  return [line(0, ''), line(0, `Next: ${next(version, service, cooldown)}`)]
}

/** The pause that a decision began; null = it was paused before. */
function pauseOf({ action, reason, metrics }: DecisionJson): KnownPause | null {
  if (action === 'override') return { by: 'override', metric: null }
  if (action !== 'pause') return null
  const isMetric = metrics.some(({ name }) => name === reason)
  return isMetric ? { by: 'metric', metric: reason } : { by: reason, metric: null }
}

const NEXT: Readonly<
  Partial<Record<Standing['phase'], (version: string, service: string, cooldown: string) => string>>
> = {
  watching: (version, service) =>
    `${version} is promoted when the watch ends; name it as the baseline in the configuration then. \`serin undo ${service}\` takes it back.`,
  promoted: (version, service) =>
    `name ${version} as the baseline in the configuration: it comes before another version. \`serin undo ${service}\` takes it back.`,
  'rolled-back': (version, service, cooldown) =>
    `${version} stays rolled back. Configure a new version, or try this one again with \`serin retry ${service}\`${cooldown}.`,
}

/** Reasons of what the plan does by itself. */
const PLANNED: ReadonlySet<string> = new Set(['timer', 'approval', 'canary-ready', 'watch-over'])

/** Reasons that no metric's evidence has a part in. */
const WITHOUT_EVIDENCE: ReadonlySet<string> = new Set([
  ...['operator', 'canary-ready', 'canary-not-ready', 'no-traffic', 'ratio-mismatch'],
  ...['variant-down', 'breaker', 'baseline'],
  ...['new-version', 'is-baseline', 'rolled-back-before', 'steps-changed', 'analysis-changed'],
])

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
  verdict: 'a variant of a fixed split has a verdict, and nothing was moved',
}

/** Reasons that are not the name of a metric. */
const REASONS: Readonly<Record<string, string>> = {
  operator: 'an operator asked for it',
  breaker:
    'the breaker: too many of the last attempts failed, were refused, or ended with a client that left before an answer (crude and fast, outside the guarantee α)',
  'variant-down': 'the canary had no healthy upstream (outside the guarantee α)',
  'ratio-mismatch': 'the variants did not get the shares that their weights say',
  baseline: 'the baseline itself was down or failed as badly',
  'max-duration': 'the time that the rollout may take was over',
  'no-traffic': 'there were no requests to judge',
  'canary-ready': 'a rollout starts by itself as soon as the canary can be reached',
  evidence: 'every requirement of the step was met',
  minimum: 'a minimum of time, requests or labels was not reached',
  inconclusive: 'the evidence was not conclusive yet',
  limit: 'an absolute limit was not kept',
  error: 'a metric could not be read where it is asked for',
  confirmation:
    'everything was ready for 100 %, but nobody had confirmed it yet (`confirm-promotion`)',
  approval: 'the plan waits for an approval here',
  timer: 'the plan has a timed pause, which begins or is over',
  'canary-not-ready': 'no upstream of the canary could be reached',
  'new-version': 'the configuration names other versions',
  'is-baseline': 'the configuration has as the canary what is the baseline by now',
  'rolled-back-before': 'the configuration names a version that was rolled back before',
  'steps-changed': 'the configuration has other steps',
  'analysis-changed': 'the configuration has another analysis',
  'no-worse': 'every required metric was shown to be within its margin',
  'watch-over': 'the watch at 100 % ended without an alarm',
}

function describeReason(decision: DecisionJson): string {
  const { reason } = decision
  const isMetric = failedMetricOf(decision) !== undefined
  return REASONS[reason] ?? (isMetric ? `the metric ${reason} failed` : reason)
}

function failedMetricOf({ action, reason, metrics }: DecisionJson): MetricJson | undefined {
  const isAgainst = action === 'rollback' || action === 'pause'
  return isAgainst ? metrics.find(({ name }) => name === reason) : undefined
}

function describeStanding({ phase, step, weights }: Standing): string {
  const at = phase === 'progressing' || phase === 'paused' ? `, step ${step + 1}` : ''
  return `${phase}${at}, ${renderWeights(weights)}`
}
