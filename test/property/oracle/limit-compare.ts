import type { MetricSpec } from '../../../src/domain/rollout-spec.ts'
import type { History, Request } from './history.ts'
import { standOfServed, standOfValues, type Stand } from './limits.ts'
import type { Asked } from './questions.ts'
import type { Sample } from './sample.ts'
import type { Seen } from './world.ts'

/** How a canary stands against a limit at a look, and what that comes to. */
export type LimitFigures = Stand & {
  /** Evaluations in a row that were beyond it, and beyond chance: three fail the metric. */
  readonly ticks: number
  readonly isByChance: boolean
  readonly isBaselineBeyond: boolean
}

/** An absolute limit of a metric, at each look of a life. */
export class Limit {
  readonly metric: MetricSpec
  readonly #asked: Asked | null
  readonly #sample: Sample
  readonly #figures: readonly LimitFigures[]

  constructor(metric: MetricSpec, asked: Asked | null, sample: Sample, seen: readonly Seen[]) {
    this.metric = metric
    this.#asked = asked
    this.#sample = sample
    const evaluations = new Set(evaluationsOf(sample.history))
    let [ticks, step] = [0, -1]
    this.#figures = seen.map((each, n) => {
      const stand = this.#standAt(each)
      if (each.state.step !== step) ticks = 0
      step = each.state.step
      const isBaselineBeyond = stand.isBeyond[0] && stand.isBeyond[1]
      const isCounted = stand.isBeyond[1] && stand.isBeyondChance && !isBaselineBeyond
      const isEvaluated = n > 0 && evaluations.has(each.at)
      if (isEvaluated) ticks = isCounted ? ticks + 1 : 0
      const isByChance = stand.isBeyond[1] && !stand.isBeyondChance
      return { ...stand, ticks, isByChance, isBaselineBeyond }
    })
  }

  at(look: number): LimitFigures {
    return this.#figures[look]!
  }

  #standAt({ state, at, folded }: Seen): Stand {
    const { metric } = this
    const sample = this.#sample
    const { step, stepEnteredAt } = state
    if (metric.kind === 'error-rate' || metric.kind === 'latency') {
      // A process counts what it has answered itself.
      const { restartedAt } = sample.history
      const isAnother = restartedAt !== null && restartedAt <= at
      const since = isAnother ? Math.max(stepEnteredAt, restartedAt) : stepEnteredAt
      const isEnded = ({ endsAt }: Request) => endsAt > since && endsAt <= at
      return standOfServed(metric, sample.history.requests.filter(isEnded))
    }
    const frames = sample.through(folded[metric.name] ?? -1).filter((f) => f.step === step)
    const values = frames.flatMap((frame) => sample.values(this.#asked!, frame))
    return standOfValues(metric, values)
  }
}

/** When intervals of a second ended; the last one, in which a rollout ended, is in no archive. */
function evaluationsOf({ frames }: History): readonly number[] {
  const ends = frames.flatMap((f) => (f.closedByInterval === true ? [f.closedAt!] : []))
  return [...ends, (frames.at(-1)?.closedAt ?? 0) + 1000]
}
