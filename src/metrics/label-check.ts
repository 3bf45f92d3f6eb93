import type { Score } from '../domain/hypothesis.ts'
import type { Prediction } from '../domain/prediction.ts'
import { isLabelMetric } from '../domain/rollout-spec.ts'
import { shownMetricsOf, type Service } from '../domain/service.ts'
import type { LabelArrivals, SeenLabels } from '../domain/verdict.ts'
import { scoreOf } from '../rollout/metric-source.ts'
import { rawScore } from '../statistics/score.ts'
import { LabelPulse, type LabelSilence } from './label-pulse.ts'

/** Attempts whose labels are counted: those of the one before may still come. */
const MOST_ATTEMPTS = 4

/**
 * Whether labels of a service come, how many of them its metrics cannot score, evidence or not, late or not, and how many
 * come late.
 */
export class LabelCheck {
  /** Null: no metric asks for labels. */
  readonly pulse: LabelPulse | null
  /** Within which they count, in milliseconds: the longest of all metrics. */
  readonly #windowMs: number
  /** Since the process began, by the metric's name. */
  readonly counts: ReadonlyMap<string, SeenLabels>
  readonly #counts: Map<string, { -readonly [K in keyof SeenLabels]: SeenLabels[K] }>
  readonly #scores: ReadonlyMap<string, Score>
  /** By attempt. */
  readonly #arrivals: Map<string, { -readonly [K in keyof LabelArrivals]: LabelArrivals[K] }>

  /** `previous`: the same service before a reload, whose counters are shared. */
  constructor(service: Service, previous: LabelCheck | null) {
    const metrics = shownMetricsOf(service).filter(isLabelMetric)
    this.#scores = new Map(metrics.map((metric) => [metric.name, scoreOf(metric).score]))
    this.#windowMs = Math.max(...metrics.map(({ labelWindowMs }) => labelWindowMs))
    this.pulse = metrics.length === 0 ? null : (previous?.pulse ?? new LabelPulse())
    const before = previous === null ? null : previous.#counts
    this.#counts = new Map(
      metrics.map(({ name }) => [name, before?.get(name) ?? { labels: 0, of: 0, last: null }]),
    )
    this.counts = this.#counts
    this.#arrivals = previous === null ? new Map() : previous.#arrivals
  }

  /** Labels that do not come while requests do; see `LabelPulse.silence`. */
  silence(now: number, elsewhereAt?: number): LabelSilence | null {
    return this.pulse?.silence(now, this.#windowMs, elsewhereAt) ?? null
  }

  /** Counts a label, and names the metrics that cannot score it; none where nothing was predicted. */
  check(
    { value: prediction, at, rollout }: Pick<Prediction, 'value' | 'at' | 'rollout'>,
    label: number,
    late: boolean,
    now: number,
  ): readonly string[] {
    this.pulse?.labelled(at, late, now)
    this.#arrived(rollout, late)
    if (prediction === null) return []
    const metrics: string[] = []
    for (const [name, score] of this.#scores) {
      const count = this.#counts.get(name)!
      count.of++
      if (rawScore(score, prediction, label) !== null) continue
      count.labels++
      count.last = { label, prediction }
      metrics.push(name)
    }
    return metrics
  }

  /** What has joined requests of this attempt; late = its cohort took none any more. */
  arrivalsOf(attempt: string): LabelArrivals {
    return this.#arrivals.get(attempt) ?? { labels: 0, late: 0 }
  }

  #arrived(attempt: string, isLate: boolean): void {
    const known = this.#arrivals.get(attempt) ?? { labels: 0, late: 0 }
    known.labels++
    if (isLate) known.late++
    if (!this.#arrivals.has(attempt) && this.#arrivals.size === MOST_ATTEMPTS)
      this.#arrivals.delete(this.#arrivals.keys().next().value!)
    this.#arrivals.set(attempt, known)
  }
}
