import type { Score } from '../domain/hypothesis.ts'
import { isLabelMetric } from '../domain/rollout-spec.ts'
import { shownMetricsOf, type Service } from '../domain/service.ts'
import type { LabelArrivals, SeenLabels } from '../domain/verdict.ts'
import { scoreOf } from '../rollout/metric-source.ts'
import { rawScore } from '../statistics/score.ts'

/** Attempts whose labels are counted: those of the one before may still come. */
const MOST_ATTEMPTS = 4

/** Counts the labels that metrics of a service cannot score, evidence or not, late or not; and those that come late. */
export class LabelCheck {
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
    const before = previous === null ? null : previous.#counts
    this.#counts = new Map(
      metrics.map(({ name }) => [name, before?.get(name) ?? { labels: 0, of: 0, last: null }]),
    )
    this.counts = this.#counts
    this.#arrivals = previous === null ? new Map() : previous.#arrivals
  }

  /** Counts a label, and names the metrics that cannot score it; none where nothing was predicted. */
  check(prediction: number | null, label: number): readonly string[] {
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

  /** A label has come for a request of this attempt; late = its cohort takes none any more. */
  arrived(attempt: string, isLate: boolean): void {
    const known = this.#arrivals.get(attempt) ?? { labels: 0, late: 0 }
    known.labels++
    if (isLate) known.late++
    if (!this.#arrivals.has(attempt) && this.#arrivals.size === MOST_ATTEMPTS)
      this.#arrivals.delete(this.#arrivals.keys().next().value!)
    this.#arrivals.set(attempt, known)
  }

  /** What has come for this attempt. */
  arrivalsOf(attempt: string): LabelArrivals {
    return this.#arrivals.get(attempt) ?? { labels: 0, late: 0 }
  }
}
