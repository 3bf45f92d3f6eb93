import type { BetEvidence, EventEvidence, Evidence } from '../domain/evidence.ts'
import { NO_VALUE } from '../domain/verdict.ts'
import { stepValue } from './figures.ts'
import { isOwnMetric, type LaterMetricSpec, type StepValues } from './limit-figures.ts'
import { isLimited } from './limits.ts'
import { sourceOf } from './metric-source.ts'
import type { RolloutPlan } from './plan.ts'
import { RecentValues } from './recent-values.ts'

/** The figures of one rollout's step whose values come after the outcome, those of late too. */
export class LaterValues {
  readonly #recent = new Map<string, RecentValues>()

  /** To be called with what is folded at `now` (ms), again and again, see RecentValues; gives it as it stands in `step`. */
  read(
    { metrics }: RolloutPlan,
    { hypotheses }: Evidence,
    step: number,
    now: number,
  ): Pick<StepValues, 'value' | 'spread' | 'recentSpread'> {
    const evidenceOf = ({ name }: LaterMetricSpec) =>
      hypotheses[name] as EventEvidence | BetEvidence
    const isOfStep = (metric: LaterMetricSpec) => evidenceOf(metric).step === step
    for (const metric of metrics) {
      if (!isLimited(metric) || !isOwnMetric(metric)) continue
      if (metric.kind === 'error-rate' || metric.kind === 'latency') continue
      this.#recentOf(metric.name).note(now, evidenceOf(metric))
    }
    return {
      value: (side, metric) =>
        isOfStep(metric) ? stepValue(sourceOf(metric), evidenceOf(metric), side) : NO_VALUE,
      spread: (side, metric) => this.#recentOf(metric.name).ofStep(side),
      recentSpread: (side, metric) =>
        isOfStep(metric) ? this.#recentOf(metric.name).ofLate(side) : null,
    }
  }

  #recentOf(metric: string): RecentValues {
    let recent = this.#recent.get(metric)
    if (recent === undefined) this.#recent.set(metric, (recent = new RecentValues()))
    return recent
  }
}
