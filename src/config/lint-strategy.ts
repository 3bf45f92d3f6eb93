import { isProviderMetric, type RolloutSpec } from '../domain/rollout-spec.ts'
import type { Service } from '../domain/service.ts'
import { effectOf } from '../rollout/hypotheses.ts'
import { bpToPercent, formatDuration } from '../domain/units.ts'
import { feedbackWindowMs } from './feedback-window.ts'
import type { Finding } from './problem.ts'

/** Common mistakes of a strategy: a blue-green switch that nothing checks, a rollout or a watch that ends before its feedback comes. */
export function lintStrategy(service: Service, rollout: RolloutSpec): readonly Finding[] {
  const { strategy, holdbackBp } = rollout
  return [
    ...(strategy === 'blue-green' ? lintBlueGreen(service, rollout) : []),
    ...(holdbackBp === 0 ? lintLateLimits(service, rollout) : lintHoldback(service, rollout)),
    ...(strategy === 'canary' ? lintLateProofs(service, rollout) : []),
  ]
}

function lintBlueGreen({ name, split }: Service, rollout: RolloutSpec): readonly Finding[] {
  const at = ['services', name]
  const findings: Finding[] = []
  if (split.override === null)
    findings.push({
      path: [...at, 'rollout', 'strategy'],
      message: 'previews by override, and nobody can reach the preview without split.override',
    })
  if (!rollout.steps.some((step) => step.kind === 'pause' && step.durationMs === null))
    findings.push({
      path: [...at, 'rollout', 'steps'],
      message:
        'every pause is timed: the canary gets 100 % without proof and without anybody who approves it; { pause: {} } waits for somebody',
    })
  for (const metric of rollout.analysis.metrics) {
    const isLimited = metric.max !== null || metric.min !== null
    if (metric.mode === 'report' || isLimited || isProviderMetric(metric)) continue
    findings.push({
      path: [...at, 'analysis', 'metrics', metric.name],
      message: `is compared with the baseline, which blue-green never does: without an absolute limit (${metric.better === 'lower' ? 'max' : 'min'}) it decides nothing`,
    })
  }
  return findings
}

// Feedback that comes after the watch finds nobody held back any more.
function lintHoldback({ name }: Service, rollout: RolloutSpec): readonly Finding[] {
  const { holdbackBp, watchMs, analysis } = rollout
  return analysis.metrics
    .filter((metric) => feedbackWindowMs(metric) >= watchMs)
    .map((metric) => ({
      path: ['services', name, 'analysis', 'metrics', metric.name],
      message: `waits ${formatDuration(feedbackWindowMs(metric))} for feedback, and the watch with its holdback of ${bpToPercent(holdbackBp)} % is over after ${formatDuration(watchMs)}: it is never judged there`,
    }))
}

// What has all requests is compared with nothing, and its limits are read from what has come of whole windows.
function lintLateLimits({ name }: Service, rollout: RolloutSpec): readonly Finding[] {
  const { watchMs, analysis } = rollout
  if (watchMs === 0) return []
  return analysis.metrics
    .filter(({ max, min }) => max !== null || min !== null)
    .filter((metric) => feedbackWindowMs(metric) >= watchMs)
    .map((metric) => ({
      path: ['services', name, 'analysis', 'metrics', metric.name],
      message: `waits ${formatDuration(feedbackWindowMs(metric))} for feedback, and the watch is over after ${formatDuration(watchMs)}: its limit is never looked at while the canary has 100 %`,
    }))
}

// What has to be proved by feedback is proved after its window, and steps that end before hold for ever.
function lintLateProofs({ name }: Service, rollout: RolloutSpec): readonly Finding[] {
  const { maxDurationMs, analysis } = rollout
  return analysis.metrics
    .filter((metric) => effectOf(metric) !== 'warn' && metric.maxChange !== null)
    .filter((metric) => feedbackWindowMs(metric) >= maxDurationMs)
    .map((metric) => ({
      path: ['services', name, 'analysis', 'metrics', metric.name],
      message: `waits ${formatDuration(feedbackWindowMs(metric))} for feedback, and maxDuration is ${formatDuration(maxDurationMs)}: nothing of it is judged in that time; allow more, or judge by what comes sooner`,
    }))
}
