import { BASELINE_SIDE, CANARY_SIDE, type Pair, type Side } from '../domain/cohort.ts'
import type { BetEvidence, EventEvidence } from '../domain/evidence.ts'
import { HalfLife } from '../statistics/half-life.ts'

/** How many values of one side there are, and how they lie; `n` is a fraction where they weigh less than 1. */
export type Spread = {
  readonly n: number
  readonly mean: number
  /** The largest one of those of late, of all of the step, and of both sides: where values are rare, a few may all be alike. */
  readonly variance: number
  /**
   * How large those above 0 may be, each by its size: Σy²/Σy of both sides, in the attempt or in the step, whichever has more
   * of them, times 1 + 4/k where k = (Σy)²/Σy² are known; of a ratio its numerators. Null = none was above 0, or it is not known.
   */
  readonly size: number | null
  /**
   * Of a ratio, whose own value `mean` is: of numerator − `limit` × denominator of a unit, which is 0 on average at the limit. Absent of
   * all else.
   */
  readonly beyond?: (limit: number) => {
    readonly mean: number
    readonly variance: number
    /** The mean of the numerator that a unit has at the limit. */
    readonly due: number
  }
}

/** What of a hypothesis' evidence is of the step. */
type Folded =
  | Pick<BetEvidence, 'kind' | 'step' | 'stepMoments' | 'strata'>
  | Pick<EventEvidence, 'kind' | 'step' | 'stepTrials' | 'stepEvents'>

type Sums = {
  readonly n: number
  readonly sum: number
  readonly sumSq: number
  /** Of what a ratio divides by, and of both multiplied; 0 of all else. */
  readonly den: number
  readonly denSq: number
  readonly cross: number
}

const NOTHING: Sums = { n: 0, sum: 0, sumSq: 0, den: 0, denSq: 0, cross: 0 }

/** The values of one step, and those of late: each by its weight, 1 when it is new, and less with time and with those after it. */
export class RecentValues {
  #noted: Folded | null = null
  #isRatio = false
  #notedAt = 0
  readonly #sides = [new RecentSide(), new RecentSide()] as const

  /**
   * To be called with what is folded at `now` (ms), again and again: what has come since the last time is new. What
   * the first call finds is not known to be of late.
   */
  note(now: number, found: Folded): void {
    const before = this.#noted
    if (found === before) return
    for (const side of [BASELINE_SIDE, CANARY_SIDE] as const) {
      const recent = this.#sides[side]
      const folded = foldedOf(found, side)
      if (before === null) recent.begin(folded)
      else if (before.step !== found.step || folded.n < recent.counted.n) recent.begin(NOTHING)
      recent.note(folded, now - this.#notedAt)
    }
    this.#noted = found
    this.#isRatio = found.kind === 'bet' && found.stepMoments.denominator !== undefined
    this.#notedAt = now
  }

  /** All of the step; null = there is none. */
  ofStep(side: Side): Spread | null {
    return this.#spread(this.#sides[side].counted)
  }

  /** Those of late; null = there is none. */
  ofLate(side: Side): Spread | null {
    return this.#spread(this.#sides[side].faded)
  }

  #spread(found: Sums): Spread | null {
    const { n, sum, den } = found
    if (n === 0) return null
    const all = this.#sides.flatMap(({ counted, faded }) => [counted, faded])
    const varianceIn = (of: (sums: Sums) => Sums) =>
      Math.max(...all.map((sums) => varianceOf(of(sums))))
    const size = sizeOf(this.#noted!)
    if (!this.#isRatio) return { n, mean: sum / n, variance: varianceIn((sums) => sums), size }
    if (den === 0) return null
    const beyond = (limit: number) => ({
      mean: (sum - limit * den) / n,
      variance: varianceIn((sums) => beyondLimit(sums, limit)),
      due: (limit * den) / n,
    })
    const mean = sum / den
    return { n, mean, variance: beyond(mean).variance, size, beyond }
  }
}

class RecentSide {
  counted = NOTHING
  faded = NOTHING
  #halfLife = new HalfLife()

  begin(counted: Sums): void {
    this.counted = counted
    this.faded = NOTHING
    this.#halfLife = new HalfLife()
  }

  note(folded: Sums, passedMs: number): void {
    const { counted } = this
    const factor = this.#halfLife.pass(folded.n - counted.n, passedMs)
    const fade = (of: keyof Sums) => this.faded[of] * factor + folded[of] - counted[of]
    this.faded = {
      n: fade('n'),
      sum: fade('sum'),
      sumSq: fade('sumSq'),
      den: fade('den'),
      denSq: fade('denSq'),
      cross: fade('cross'),
    }
    this.counted = folded
  }
}

function varianceOf({ n, sum, sumSq }: Sums): number {
  return n === 0 ? 0 : Math.max(0, sumSq / n - (sum / n) ** 2)
}

/** How many more are to be expected as large as the few that were seen: one sale says little of how large sales are. */
const UNSEEN = 4

function sizeOf(found: Folded): number | null {
  if (found.kind === 'event') return null
  const inAttempt = sumsOf(found.strata)
  const inStep = sumsOf([found.stepMoments])
  const { sum, sumSq } = inStep.sum > inAttempt.sum ? inStep : inAttempt
  if (sum <= 0) return null
  const size = sumSq / sum
  // (Σy)²/Σy² values of one size would lie so (Kish).
  return size * (1 + (UNSEEN * sumSq) / sum ** 2)
}

type Sized = { readonly sum: Readonly<Pair>; readonly sumSq: Readonly<Pair> }

/** Of both sides, at all weights. */
function sumsOf(all: readonly Sized[]) {
  const add = (of: (each: Sized) => Readonly<Pair>) =>
    all.reduce((total, each) => total + of(each)[BASELINE_SIDE] + of(each)[CANARY_SIDE], 0)
  return { sum: add(({ sum }) => sum), sumSq: add(({ sumSq }) => sumSq) }
}

/** Sums of numerator − `limit` × denominator. */
function beyondLimit(sums: Sums, limit: number): Sums {
  const { sum, sumSq, den, denSq, cross } = sums
  return {
    ...sums,
    sum: sum - limit * den,
    sumSq: sumSq - 2 * limit * cross + limit ** 2 * denSq,
  }
}

function foldedOf(found: Folded, side: Side): Sums {
  if (found.kind === 'event') {
    const events = found.stepEvents[side]
    return { ...NOTHING, n: found.stepTrials[side], sum: events, sumSq: events }
  }
  const { n, sum, sumSq, denominator } = found.stepMoments
  return {
    n: n[side],
    sum: sum[side],
    sumSq: sumSq[side],
    den: denominator?.sum[side] ?? 0,
    denSq: denominator?.sumSq[side] ?? 0,
    cross: denominator?.cross[side] ?? 0,
  }
}
