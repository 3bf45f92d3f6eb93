import { NO_VALUE } from '../domain/verdict.ts'
import type { Evidence } from '../domain/evidence.ts'
import type { Measurement, ProviderReading } from '../domain/measurement.ts'
import {
  isProviderMetric,
  type MetricSpec,
  type ProviderMetricSpec,
} from '../domain/rollout-spec.ts'
import type { RolloutState } from '../domain/rollout-state.ts'
import { WHOLE_BP } from '../domain/units.ts'
import { BASELINE, CANARY } from '../domain/variant.ts'
import { compare } from '../rollout/compare.ts'
import { isOwnMetric, type OwnMetricSpec } from '../rollout/limit-figures.ts'
import { countLimitTicks, isLimited, samplesNeeded } from '../rollout/limits.ts'
import { addMeasurement, countsOf, dueAt, isOver } from '../rollout/measurements.ts'
import { runningMirror } from '../rollout/mirror-step.ts'
import { isBlueGreen } from '../rollout/plan.ts'
import { readProviderLimits } from '../rollout/provider-limits.ts'
import { readProvider } from '../rollout/provider-reading.ts'
import { isCompared } from '../rollout/transition.ts'
import { beginInterval, readInterval, type IntervalStart } from './interval-figures.ts'
import type { FetchProvider } from './provider-fetcher.ts'
import type { Measured } from './observe.ts'
import { ProviderPoller, type Arrived } from './provider-poller.ts'

/**
 * What is compared rather than tested, over time: other systems are asked at their intervals, and the
 * measurements of `method: threshold` are taken and counted. All of it in every phase in which the canary
 * has traffic or is previewed, and nothing of it in warm-up.
 */
export class Measuring {
  readonly #poller: ProviderPoller
  readonly #readings = new Map<string, ProviderReading>()
  /** When each provider was asked last. */
  readonly #asked = new Map<string, number>()
  readonly #intervals = new Map<string, IntervalStart>()
  /** When measuring began; null = it does not go on now. */
  #startedAt: number | null = null

  constructor(fetch: FetchProvider) {
    this.#poller = new ProviderPoller(fetch)
  }

  /** What providers said last, by metric name. */
  get readings(): ReadonlyMap<string, ProviderReading> {
    return this.#readings
  }

  /** One look: takes what has come, asks and measures what is due. Gives the evidence with it, or as it was. */
  look(seen: Measured): Evidence {
    let { evidence } = seen
    if (!isMeasured(seen)) {
      this.#stop()
      return evidence
    }
    this.#startedAt ??= seen.now
    for (const arrived of this.#poller.take())
      evidence = this.#arrive(arrived, { ...seen, evidence })
    for (const metric of seen.plan.metrics) {
      if (isProviderMetric(metric)) this.#ask(metric, { ...seen, evidence })
      else if (metric.threshold !== undefined && isOwnMetric(metric)) {
        evidence = this.#measure(metric, { ...seen, evidence })
      }
    }
    return evidence
  }

  // What is known ages without being asked for again, and would be called stale.
  #stop(): void {
    this.#poller.take()
    if (this.#startedAt === null) return
    this.#startedAt = null
    this.#intervals.clear()
    this.#readings.clear()
    this.#asked.clear()
  }

  #arrive({ metric: asked, reading }: Arrived, seen: Measured): Evidence {
    const { evidence, now, state } = seen
    const metric = seen.plan.metrics.find((m) => m.name === asked.name)
    // The configuration may be another one by now, and an answer from before the step is about other weights.
    if (metric === undefined || !isProviderMetric(metric)) return evidence
    this.#readings.set(metric.name, reading)
    if (reading.at < state.stepEnteredAt) return evidence
    if (isLimited(metric)) {
      const limits = readProviderLimits([metric], this.#readings, now)
      return { ...evidence, limitTicks: countLimitTicks(evidence.limitTicks, limits) }
    }
    const { error, ...sides } = readProvider(metric, reading, now)
    const measurement =
      error === null
        ? compare(metric, sides, reading.at)
        : { at: reading.at, verdict: 'error' as const, ...sides, error }
    return measurement === null ? evidence : count(seen, metric, measurement)
  }

  #ask(metric: ProviderMetricSpec, { plan, state, evidence, now }: Measured): void {
    const { name, intervalMs } = metric
    if (this.#poller.isAsking(name) || isEnded(metric, evidence, state)) return
    const at = this.#asked.get(name)
    const reading = this.#readings.get(name)
    const isError =
      reading !== undefined && readProvider(metric, reading, reading.at).error !== null
    const last = at === undefined ? null : { at, isError }
    if (now < dueAt(last, intervalMs, this.#startedAt!)) return
    this.#asked.set(name, now)
    const canary = { variant: CANARY, version: plan.canaryVersion }
    // At 100 % the baseline has no traffic that could be asked about.
    const baseline =
      state.weightBp === WHOLE_BP ? null : { variant: BASELINE, version: plan.baselineVersion }
    this.#poller.ask(metric, { canary, baseline }, now)
  }

  #measure(metric: OwnMetricSpec, seen: Measured): Evidence {
    const { evidence, state, book, now } = seen
    const source = { book, evidence, step: state.step }
    const start = this.#intervals.get(metric.name)
    // A run is a step's: what was left of an interval when the step before ended would be its first measurement.
    const isOfStep = start !== undefined && start.at > state.stepEnteredAt
    if (!isOfStep || !isCompared(state)) {
      this.#intervals.set(metric.name, beginInterval(metric, source, now))
      return evidence
    }
    if (isEnded(metric, evidence, state)) return evidence
    if (now < dueAt({ at: start.at, isError: false }, metric.threshold!.intervalMs, start.at)) {
      return evidence
    }
    const needed = samplesNeeded(metric)
    const sides = readInterval(metric, source, start)
    // Too few requests are no measurement: the interval goes on until it has enough.
    if (sides.canary.n < needed) return evidence
    const comparesBoth = metric.maxChange !== null && state.weightBp < WHOLE_BP
    if (comparesBoth && sides.baseline.n < needed) return evidence
    const known = sides.baseline.n < needed ? NO_VALUE : sides.baseline
    this.#intervals.set(metric.name, beginInterval(metric, source, now))
    const measurement = compare(metric, { ...sides, baseline: known }, now)
    return measurement === null ? evidence : count(seen, metric, measurement)
  }
}

function isMeasured({ plan, state, warmUp }: Measured): boolean {
  const isRunning =
    state.phase === 'progressing' || state.phase === 'paused' || state.phase === 'watching'
  // What other systems say of a previewed or mirrored canary does not need our traffic.
  const isShadowed = isBlueGreen(plan) || runningMirror(plan.steps, state) !== null
  return isRunning && (state.weightBp > 0 || isShadowed) && !warmUp
}

function isEnded(metric: MetricSpec, { measurements }: Evidence, state: RolloutState): boolean {
  if (metric.threshold === undefined) return false
  const counts = countsOf(measurements[metric.name], state.stepEnteredAt)
  return isOver(metric.threshold, counts)
}

function count({ evidence, state }: Measured, { name }: MetricSpec, last: Measurement): Evidence {
  // A baseline that is down is nothing to compare with.
  if (!isCompared(state)) return evidence
  const run = addMeasurement(evidence.measurements[name], state.stepEnteredAt, last)
  return { ...evidence, measurements: { ...evidence.measurements, [name]: run } }
}
