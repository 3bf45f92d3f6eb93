import { isProviderMetric, type MetricSpec, type RolloutSpec } from '../domain/rollout-spec.ts'
import type { Service } from '../domain/service.ts'
import { formatDuration } from '../domain/units.ts'
import { formatCount } from '../rollout/format.ts'
import { feedbackWindowMs } from './feedback-window.ts'
import type { Finding } from './problem.ts'

/** The steps of a rollout take no less, in milliseconds: the one at 100 % ends them, and maxDuration does not run in pauses. */
export function leastMsOf({ steps }: RolloutSpec): number {
  return steps.reduce((sum, step) => sum + leastMsOfStep(step), 0)
}

/** Whether some time that a rollout waits is as long as `maxDuration`, whatever its traffic is. */
export function isTooShort(rollout: RolloutSpec): boolean {
  const { maxDurationMs, analysis } = rollout
  const waits = [leastMsOf(rollout), analysis.intervalMs, analysis.warmUpMs]
  const ofMetrics = analysis.metrics.flatMap((m) => [feedbackWindowMs(m), measureIntervalMs(m)])
  return [...waits, ...ofMetrics].some((ms) => ms >= maxDurationMs)
}

/** Times and counts that a rollout cannot come to, or that are hardly meant, whatever its traffic is. */
export function lintReach({ name }: Service, rollout: RolloutSpec): readonly Finding[] {
  const at = ['services', name]
  const { steps, watchMs, maxDurationMs, strategy } = rollout
  const { warmUpMs, intervalMs, alphaRollback, alphaPromote, metrics } = rollout.analysis
  const analysis = [...at, 'analysis']
  const findings: Finding[] = []
  const add = (path: Finding['path'], message: string) => findings.push({ path, message })

  const neededMs = leastMsOf(rollout)
  if (neededMs > maxDurationMs)
    add(
      [...at, 'rollout', 'steps'],
      `the steps take at least ${formatDuration(neededMs)}, which is longer than maxDuration (${formatDuration(maxDurationMs)})`,
    )
  if (strategy === 'canary' && warmUpMs >= maxDurationMs)
    add(
      [...analysis, 'warmUp'],
      `nothing is judged for ${formatDuration(warmUpMs)}, and maxDuration is ${formatDuration(maxDurationMs)}: no step is ever left; a warm-up is over when caches are filled, such as after 30s`,
    )
  if (strategy === 'canary' && intervalMs > MOST_INTERVAL_MS)
    add(
      [...analysis, 'interval'],
      `the evidence is looked at once in ${formatDuration(intervalMs)}: but for the breaker nobody finds harm sooner, and each step lasts as long at least; such as 2s`,
    )
  if (intervalMs < LOOK_MS)
    add(
      [...analysis, 'interval'],
      `is shorter than ${formatDuration(LOOK_MS)}, the time between two looks: it is as if it were that`,
    )
  for (const [key, alpha] of [
    ['rollback', alphaRollback] as const,
    ['promote', alphaPromote] as const,
  ])
    if (alpha > MOST_ALPHA || alpha < LEAST_ALPHA)
      add([...analysis, 'alpha', key], describeAlpha(key, alpha))
  for (const [i, step] of steps.entries())
    for (const [key, ms] of timesOf(step))
      if (ms > YEAR_MS) add([...at, 'rollout', 'steps', i, key], describeAges(ms))
  if (watchMs > YEAR_MS) add([...at, 'rollout', 'watch'], describeAges(watchMs))
  for (const metric of metrics)
    findings.push(...lintMetric([...analysis, 'metrics', metric.name], metric, rollout))
  return findings
}

/** Between two looks of the evaluator, which an interval is a multiple of. */
const LOOK_MS = 250

/** Harm is to be found in minutes. */
const MOST_INTERVAL_MS = 60_000

const YEAR_MS = 366 * 86_400_000

/** Odds of an error that nobody chooses: every second decision, and one in a million of them. */
const MOST_ALPHA = 0.5
const LEAST_ALPHA = 1e-6

/** Feedback and its request are two requests: nobody sends both at once. */
const LEAST_WINDOW_MS = 1000

function describeAlpha(key: 'rollback' | 'promote', alpha: number): string {
  const error =
    key === 'rollback'
      ? 'a canary that is no worse is rolled back'
      : 'a canary that is worse is promoted'
  const often =
    alpha > MOST_ALPHA
      ? `with a probability of up to ${alpha}`
      : `in less than one of ${formatCount(1 / LEAST_ALPHA)} rollouts, which needs evidence that hardly ever comes`
  return `${error} ${often}; 0.05 is usual`
}

function describeAges(ms: number): string {
  return `lasts ${formatDuration(ms)}, which is more than a year; such as 30m`
}

function lintMetric(
  path: Finding['path'],
  metric: MetricSpec,
  { maxDurationMs }: RolloutSpec,
): readonly Finding[] {
  const { threshold } = metric
  const findings: Finding[] = []
  const windowMs = feedbackWindowMs(metric)
  if (windowMs > 0 && windowMs < LEAST_WINDOW_MS) {
    const key = 'labelWindowMs' in metric ? 'labelWindow' : 'window'
    const message = `what comes later than ${formatDuration(windowMs)} after its request counts for nothing, and hardly anything comes sooner; such as 10m`
    findings.push({ path: [...path, key], message })
  }
  const intervalMs = measureIntervalMs(metric)
  if (intervalMs >= maxDurationMs)
    findings.push({
      path: [...path, 'interval'],
      message: `is ${formatDuration(intervalMs)}, and maxDuration ${formatDuration(maxDurationMs)}: nothing is measured twice in that time; such as 30s`,
    })
  const { count = null, failureLimit = null } = threshold ?? {}
  if (count !== null && failureLimit !== null && failureLimit >= count)
    findings.push({
      path: [...path, 'failureLimit'],
      message: `${formatCount(failureLimit)} of ${formatCount(count)} measurements (count) may fail: the metric never does; the limit is below count`,
    })
  return findings
}

/** Between two measurements, or two questions to another system; 0 = it is judged by evidence. */
function measureIntervalMs(metric: MetricSpec): number {
  return metric.threshold?.intervalMs ?? (isProviderMetric(metric) ? metric.intervalMs : 0)
}

function timesOf(step: RolloutSpec['steps'][number]): readonly (readonly [string, number])[] {
  return step.kind === 'pause'
    ? [['pause', step.durationMs ?? 0]]
    : [['minDuration', step.minDurationMs]]
}

function leastMsOfStep(step: RolloutSpec['steps'][number]): number {
  if (step.kind === 'pause') return 0
  return step.kind === 'mirror' || step.weightBp < 10_000 ? step.minDurationMs : 0
}
