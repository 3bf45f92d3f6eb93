import type { MetricSpec } from '../../../src/domain/rollout-spec.ts'
import type { History, Request } from './history.ts'
import { weightsOf } from './late.ts'
import { sizeOfValues, standOfServed, standOfValues, type Stand, type Weighted } from './limits.ts'
import type { Asked } from './questions.ts'
import type { Sample, Value } from './sample.ts'
import type { Seen } from './world.ts'

/** How a canary stands against a limit at a look, and what that comes to. */
export type LimitFigures = Stand & {
  /** Evaluations in a row that were beyond it, and beyond chance: three fail the metric. */
  readonly ticks: number
  readonly isByChance: boolean
  readonly isBaselineBeyond: boolean
  /** What was of late breaks it, and what was since the step began does not. */
  readonly isLate: boolean
}

/** An absolute limit of a metric, at each look of a life. */
export class Limit {
  readonly metric: MetricSpec
  readonly #asked: Asked | null
  readonly #sample: Sample
  readonly #evaluations: readonly number[]
  /** When cohorts began: weights fade then. */
  readonly #turns: readonly number[]
  readonly #figures: readonly LimitFigures[]
  /** When a question was folded further. */
  readonly #folds: readonly { readonly at: number; readonly through: number }[]

  constructor(metric: MetricSpec, asked: Asked | null, sample: Sample, seen: readonly Seen[]) {
    this.metric = metric
    this.#asked = asked
    this.#sample = sample
    this.#evaluations = evaluationsOf(sample.history)
    const opened = sample.history.frames.map(({ openedAt }) => openedAt)
    this.#turns = [...new Set([...opened, ...this.#evaluations])].toSorted((a, b) => a - b)
    const folds = seen.map(({ at, folded }) => ({ at, through: folded[metric.name] ?? -1 }))
    this.#folds = folds.filter(({ through }, n) => n > 0 && through > folds[n - 1]!.through)
    let [ticks, lateTicks, step] = [0, 0, -1]
    this.#figures = seen.map((each, n) => {
      // A look evaluates the step that it may leave.
      const { state } = seen[Math.max(0, n - 1)]!
      const [inStep, ofLate] = this.#standsAt({ ...each, state })
      if (state.step !== step) [ticks, lateTicks] = [0, 0]
      step = state.step
      const isShown = inStep.isBeyond[1] && inStep.isBeyondChance
      const isLate = !isShown && ofLate.isBeyond[1] && ofLate.isBeyondChance
      const stand = isLate ? ofLate : inStep
      const isBaselineBeyond = stand.isBeyond[1] && (stand.isBeyond[0] || ofLate.isBeyond[0])
      const isCounted = (isShown || isLate) && !isBaselineBeyond
      if (this.isEvaluatedAt(each.at)) {
        // Many slow requests at once are one moment.
        const mustLast = isLate && metric.kind === 'latency'
        lateTicks = isCounted && mustLast ? lateTicks + 1 : 0
        ticks = isCounted && (!mustLast || lateTicks > 12) ? ticks + 1 : 0
      }
      const isByChance = stand.isBeyond[1] && !isShown && !isLate
      return { ...stand, ticks, isByChance, isBaselineBeyond, isLate }
    })
  }

  /** Whether it is evaluated then: between two of these whoever decides may rest, and show what it saw last. */
  isEvaluatedAt(at: number): boolean {
    return this.#evaluations.includes(at)
  }

  at(look: number): LimitFigures {
    return this.#figures[look]!
  }

  /** Since the step began, and of late. */
  #standsAt({ state, at, folded }: Seen): readonly [Stand, Stand] {
    const { metric } = this
    const sample = this.#sample
    const { step, stepEnteredAt } = state
    const { restartedAt } = sample.history
    const isAnother = restartedAt !== null && restartedAt <= at
    const begun = isAnother ? Math.max(stepEnteredAt, restartedAt) : stepEnteredAt
    if (metric.kind === 'error-rate' || metric.kind === 'latency') {
      // A process counts what it has answered itself.
      const isEnded = ({ endsAt }: Request) => endsAt > begun && endsAt <= at
      const ended = sample.history.requests.filter(isEnded)
      const ends = this.#turns.filter((end) => end > begun && end <= at)
      const late = weighed(ended, ({ endsAt }) => endsAt, { ends, since: begun, isAtOnce: true })
      return [standOfServed(metric, ended.map(alike)), standOfServed(metric, late)]
    }
    const frames = sample.through(folded[metric.name] ?? -1).filter((f) => f.step === step)
    const values = frames.flatMap((frame) => {
      const foldedAt = this.#folds.find(({ through }) => through >= frame.number)!.at
      return sample.values(this.#asked!, frame).map((value) => ({ ...value, foldedAt }))
    })
    const own = this.#folds.filter((fold) => fold.at <= at)
    const ends = own.filter(({ through }) => through >= (frames[0]?.number ?? Infinity))
    const since = own[own.length - ends.length - 1]?.at ?? 0
    const known = isAnother ? values.filter(({ foldedAt }) => foldedAt > restartedAt) : values
    const late = weighed(known, ({ foldedAt }) => foldedAt, {
      ...{ ends: ends.map((end) => end.at), since, isAtOnce: false },
    })
    const all = [values.map(alike), late]
    const size = sizeOfValues(this.#groupsOf(folded[metric.name] ?? -1, step))
    return [standOfValues(metric, all[0]!, all, size), standOfValues(metric, late, all, size)]
  }

  /** The values of both sides that were compared, and those of the step. */
  #groupsOf(through: number, step: number): readonly (readonly Value[])[] {
    const frames = this.#sample.through(through)
    const valuesOf = (of: typeof frames) =>
      of.flatMap((frame) => this.#sample.values(this.#asked!, frame))
    return [
      valuesOf(frames.filter((frame) => frame.pi < 1)),
      valuesOf(frames.filter((frame) => frame.step === step)),
    ]
  }
}

function alike<T>(of: T): Weighted<T> {
  return { ...of, weight: 1 }
}

/** What each of both sides has by its weight. */
function weighed<T extends { readonly side: 0 | 1 }>(
  all: readonly T[],
  timeOf: (of: T) => number,
  fades: { readonly ends: readonly number[]; readonly since: number; readonly isAtOnce: boolean },
): readonly Weighted<T>[] {
  return [0, 1].flatMap((side) => {
    const own = all.filter((of) => of.side === side)
    const weights = weightsOf(own.map(timeOf), fades.ends, fades.since, fades.isAtOnce)
    return own.map((of, i) => ({ ...of, weight: weights[i]! }))
  })
}

/** When intervals of a second ended: of warm-up, and of the last one, in which a rollout ended, no cohort is in the archive. */
function evaluationsOf({ frames, decidedAt }: History): readonly number[] {
  const opened = frames.map(({ openedAt }) => openedAt).filter((at) => !decidedAt.has(at))
  const ends = frames.flatMap((f) => (f.closedByInterval === true ? [f.closedAt!] : []))
  return [...opened, ...ends, (frames.at(-1)?.closedAt ?? 0) + 1000]
}
