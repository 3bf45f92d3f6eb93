import { BASELINE_SIDE, type Cohort } from '../domain/cohort.ts'
import { isContinuous, type ContinuousSource } from '../domain/hypothesis.ts'
import { needsEvent, syntheticCap } from './draw-values.ts'
import type { RolloutPlan } from './plan.ts'
import { LABEL_ARRIVAL } from './step-minimums.ts'
import { syntheticEventRate, type SyntheticTraffic } from './synthetic-traffic.ts'
import { teachingValues } from './teaching-values.ts'

type Lesson = {
  readonly metric: string
  readonly source: ContinuousSource
  /** The share of the baseline's units that have a value. */
  readonly share: number
  /** Values that are still to come. */
  left: number
  /** From when on the cap is known; ms since the rollout began. */
  knownFrom: number
}

/**
 * The caps of a rollout on made-up traffic: those that are configured at once, the others once the baseline's first values
 * have come, as in life. Values come in the middle of their window.
 */
export class LearntCaps {
  readonly #lessons: readonly Lesson[]

  constructor({ metrics, hypotheses }: RolloutPlan, traffic: SyntheticTraffic) {
    this.#lessons = hypotheses.flatMap(({ metric, segment, source }) => {
      // The whole teaches it once.
      if (!isContinuous(source) || segment !== undefined) return []
      const left = teachingValues(metrics.find(({ name }) => name === metric)!) ?? 0
      const share = needsEvent(source) ? syntheticEventRate(traffic, metric!) : 1
      return [{ metric: metric!, source, share, left, knownFrom: left === 0 ? 0 : Infinity }]
    })
  }

  /** Those that are known `now` (ms since the rollout began), by metric, on the scale of what is drawn. */
  at(now: number): Readonly<Record<string, number>> {
    const known = this.#lessons.filter(({ knownFrom }) => knownFrom <= now)
    return Object.fromEntries(known.map(({ metric, source }) => [metric, syntheticCap(source)]))
  }

  /** Shows what was drawn in a cohort. */
  teach({ judged, assigned, closedAt }: Cohort): void {
    if (!judged) return
    for (const lesson of this.#lessons) {
      if (lesson.left <= 0) continue
      lesson.left -= assigned[BASELINE_SIDE] * lesson.share
      if (lesson.left <= 0) lesson.knownFrom = closedAt! + LABEL_ARRIVAL * lesson.source.windowMs
    }
  }
}
