import { betOn, eventEvidence, logMeanExp, meanBets, mixStarts, sampleRatio } from './formulas.ts'
import type { Bets, Question, Stratum } from './formulas.ts'
import type { Frame } from './history.ts'
import { cut, eventInterval, meanInterval, type Interval, type Values } from './intervals.ts'
import { withoutOutages } from './outages.ts'
import type { Asked } from './questions.ts'
import { betOnRatio, ratioBets, ratioMoments } from './ratios.ts'
import type { Sample, Value } from './sample.ts'

/** What is to be said of a question once a cohort is folded. */
export type Figures = {
  readonly step: number
  /** The largest log-evidence so far; null = never proved. */
  readonly harm: number
  readonly proof: number | null
  readonly stepProof: number | null
  readonly n: readonly [number, number]
  readonly mean: readonly [number | null, number | null]
  /** Judged units of the canary in the step. */
  readonly stepCanary: number
}

const NOTHING: Figures = {
  ...{ step: -1, harm: 0, proof: 0, stepProof: 0, n: [0, 0], mean: [null, null], stepCanary: 0 },
}

/** α of what only pauses. */
const GUARD_ALPHA = 0.001

/** What errs how often, each: in a rollout harm of what is required shares α, a proof has all of it. */
export type Alphas = {
  readonly harm: number
  readonly proof: number
  /** Of the intervals of means. */
  readonly means: number
}

/** Computes from a whole history what the product should show: slowly, from scratch, by docs/statistics.md alone. */
export class Oracle {
  readonly #sample: Sample
  readonly #keyed: boolean
  readonly #alphas: Alphas
  readonly #figures = new Map<string, readonly (readonly [cohort: number, Figures])[]>()
  readonly #won = new Map<string, readonly number[]>()
  readonly #ratios = new Map<number, readonly (readonly [cohort: number, number])[]>()

  constructor(sample: Sample, keyed: boolean, alphas: Alphas) {
    this.#sample = sample
    this.#keyed = keyed
    this.#alphas = alphas
  }

  /** When cohorts up to `through` are folded. */
  figures(asked: Asked, through: number): Figures {
    const known = this.#figures.get(asked.id) ?? this.#allFigures(asked)
    this.#figures.set(asked.id, known)
    const [, found] = known.findLast(([cohort]) => cohort <= through) ?? [-1, NOTHING]
    return asked.proofRatio === null ? { ...found, proof: null, stepProof: null } : found
  }

  /** The same after each cohort: what was shown once stands, of a step for as long as it lasts. */
  #allFigures(asked: Asked): readonly (readonly [number, Figures])[] {
    const { frames } = this.#sample
    let [harm, proof, stepProof, step] = [0, 0, 0, -1]
    return frames.map((last, n) => {
      const all = frames.slice(0, n + 1)
      if (last.step !== step) stepProof = 0
      step = last.step
      const own = all.filter((frame) => frame.step === step)
      harm = Math.max(harm, this.#harm(asked, all))
      if (asked.proofRatio !== null) {
        const calm = withoutOutages(all, {
          badOf: (frame) => this.#badOf(asked, frame),
          isBetOn: (frame) => asked.event !== undefined || this.bets(asked, frame) !== null,
        })
        const isOwn = (frame: Frame) => frame.step === step
        proof = Math.max(proof, Math.min(this.#proof(asked, all), this.#proof(asked, calm)))
        const stepCalm = this.#proof(asked, calm.filter(isOwn))
        stepProof = Math.max(stepProof, Math.min(this.#proof(asked, own), stepCalm))
      }
      const [b, c] = this.#bySide(asked, all)
      const stepCanary = this.#bySide(asked, own)[1].length
      const mean = [meanOf(b), meanOf(c)] as const
      // A ratio without any of its denominator is of nobody.
      const count = [mean[0] === null ? 0 : b.length, mean[1] === null ? 0 : c.length] as const
      return [last.number, { step, harm, proof, stepProof, n: count, mean, stepCanary }] as const
    })
  }

  /** Over the start points: the sum of the stakes, or the largest where a key may have events anew from each of them. */
  #harm(asked: Asked, frames: readonly Frame[]): number {
    const logs = byStart(frames, (since) =>
      asked.event === undefined
        ? this.#wealth(asked, since, harmOf(asked))
        : eventEvidence(this.#sample.harmStrata(asked, since), harmOf(asked), 0),
    )
    return mixStarts(logs, this.#keyed && asked.isOutcome === true)
  }

  #proof(asked: Asked, frames: readonly Frame[]): number {
    if (asked.event === undefined) return this.#wealth(asked, frames, proofOf(asked))
    return eventEvidence(this.#sample.strata(asked, frames), proofOf(asked), asked.floor)
  }

  /** log of the mean wealth of the bets on means. */
  #wealth(asked: Asked, frames: readonly Frame[], question: Question): number {
    const wealths = Array.from({ length: 7 }, () => 0)
    for (const frame of frames) {
      for (const [j, log] of this.#wonIn(frame, asked, question).entries()) wealths[j]! += log
    }
    return logMeanExp(wealths)
  }

  /** What each bet has won in a cohort. */
  #wonIn(frame: Frame, asked: Asked, { isHarm, ratio }: Question): readonly number[] {
    const name = `${asked.id} ${frame.number} ${isHarm}`
    const known = this.#won.get(name)
    if (known !== undefined) return known
    const bets = this.bets(asked, frame)
    const values = this.#sample.values(asked, frame)
    const bet = (lambda: number, value: Value) =>
      asked.denominator === undefined
        ? betOn(lambda, value.side, value.y, ratio, bets!.centre, frame.pi)
        : betOnRatio(lambda, value, ratio, bets!, frame.pi)
    const won = (bets?.[isHarm ? 'harm' : 'proof'] ?? []).map((lambda) =>
      values.reduce((sum, value) => sum + bet(lambda, value), 0),
    )
    this.#won.set(name, won)
    return won
  }

  /** The bets that a cohort was opened with, from what was folded then; null = too little was known. */
  bets(asked: Asked, frame: Frame): Bets | null {
    const earlier = this.#sample.through(this.#sample.foldedBefore(frame)[asked.id] ?? -1)
    const [ys] = this.#bySide(asked, earlier)
    if (ys.length < 20) return null
    if (asked.denominator !== undefined) {
      const of = { weights: this.#byWeight(asked, earlier), pi: frame.pi, cap: asked.cap! }
      return ratioBets(of, harmOf(asked), proofOf(asked))
    }
    const centre = meanOf(ys)!
    const variance = ys.reduce((sum, { y }) => sum + (y - centre) ** 2, 0) / ys.length
    const moments = { centre, variance, cap: asked.cap! }
    const of = (question: Question) => meanBets(question, frame.pi, moments)
    return { centre, harm: of(harmOf(asked)), proof: of(proofOf(asked)) }
  }

  /** The interval of the ratio that is shown beside these figures. */
  interval(
    asked: Asked,
    through: number,
    { mean, harm, proof }: Figures,
    isBetter = false,
  ): Interval | null {
    const frames = this.#sample.through(through)
    const alpha = asked.isAtGuardLevel === true ? GUARD_ALPHA : this.#alphas.harm
    const isSquare = asked.kind === 'rmse'
    const isNearlyAll = mean.every((share) => share !== null && share >= 0.9)
    const proofAlpha = asked.proofRatio === null ? alpha / 2 : this.#alphas.proof
    const levels = { harm: alpha / 2, proof: proofAlpha }
    const found =
      asked.event === undefined
        ? meanInterval(
            this.#moments(asked, frames),
            asked.proofRatio!,
            isSquare,
            this.#alphas.means,
          )
        : isNearlyAll
          ? null
          : eventInterval(this.#sample.strata(asked, frames), harmOf(asked), proofOf(asked), levels)
    if (found === null) return null
    const shown = (ratio: number) => (isSquare ? Math.sqrt(ratio) : ratio)
    const isProved = proof !== null && proof >= -Math.log(this.#alphas.proof) && asked.floor === 0
    const isHarmed = harm >= Math.log(1 / alpha)
    return cut(found, asked.better, {
      harm: isHarmed ? shown(asked.harmRatio) : null,
      proof: isBetter ? 1 : isProved ? shown(asked.proofRatio!) : null,
    })
  }

  /** Units that were drawn for each side, of cohorts up to `through`. */
  units(through: number): readonly [number, number] {
    const all = this.#sample.through(through).map((frame) => this.#sample.units(frame))
    return [all.reduce((sum, [b]) => sum + b, 0), all.reduce((sum, [, c]) => sum + c, 0)]
  }

  /** Units of the canary that were drawn in a step, of cohorts up to `through`. */
  stepCanary(step: number, through: number): number {
    const frames = this.#sample.through(through).filter((frame) => frame.step === step)
    return frames.reduce((sum, frame) => sum + this.#sample.units(frame)[1], 0)
  }

  /** Whether the evidence of harm decides. */
  isHarmed(asked: Asked, through: number): boolean {
    const alpha = asked.isAtGuardLevel === true ? GUARD_ALPHA : this.#alphas.harm
    const isShown = this.figures(asked, through).harm >= Math.log(1 / alpha)
    return isShown && (asked.apart === undefined || this.#isFarApart(asked, through))
  }

  /** Units and events by weight, of cohorts up to `through`, as harm counts them from the beginning. */
  harmStrata(asked: Asked, through: number): readonly Stratum[] {
    return this.#sample.harmStrata(asked, this.#sample.through(through))
  }

  /** Whether the shares lie as far apart as harm needs beside its evidence, since the start point that tells most. */
  #isFarApart(asked: Asked, through: number): boolean {
    const all = byStart(this.#sample.through(through), (since) =>
      this.#sample.harmStrata(asked, since),
    )
    const logs = all.map((strata) => eventEvidence(strata, harmOf(asked), 0))
    const strata = all[logs.indexOf(Math.max(...logs))]!
    const sum = (of: (stratum: Stratum) => number) => strata.reduce((n, each) => n + of(each), 0)
    const units = sum((each) => each.units[0] + each.units[1])
    // Each counts by the probability of its side.
    const baseline = (power: number) => sum(({ pi, events }) => events[0] / (1 - pi) ** power)
    const canary = (power: number) => sum(({ pi, events }) => events[1] / pi ** power)
    if (asked.apart === 'half a point') return (canary(1) - baseline(1)) / units >= 0.005
    const isMore = (times: number, by: number) =>
      canary(1) - times * baseline(1) - by >= 2 * Math.sqrt(canary(2) + times ** 2 * baseline(2))
    return isMore(1, 0.005 * units) || isMore(10, 0)
  }

  /** The largest log-evidence that units are not shared out as drawn, of cohorts after `from`: an operator has looked at it then. */
  sampleRatio(through: number, from = -1): number {
    let most = 0
    const known = this.#ratios.get(from)
    const ratios =
      known ??
      this.#sample.frames
        .filter(({ number }) => number > from)
        .map(({ number }) => {
          const all = this.#sample.through(number).filter((frame) => frame.number > from)
          const logs = byStart(all, (since) => {
            const weights = [...new Set(since.map(({ pi }) => pi))]
            return sampleRatio(weights.map((pi) => this.#drawn(pi, since)))
          })
          most = Math.max(most, mixStarts(logs, false))
          return [number, most] as const
        })
    this.#ratios.set(from, ratios)
    return ratios.findLast(([cohort]) => cohort <= through)?.[1] ?? 0
  }

  #drawn(pi: number, frames: readonly Frame[]) {
    const units = frames.filter((f) => f.pi === pi).map((f) => this.#sample.units(f))
    const canary = units.reduce((sum, [, c]) => sum + c, 0)
    return { pi, canary, total: units.reduce((sum, [b]) => sum + b, canary) }
  }

  /** Moments of the values at each weight, with sample variances. */
  #moments(asked: Asked, frames: readonly Frame[]): readonly (readonly [Values, Values])[] {
    const of = asked.denominator === undefined ? momentsOf : ratioMoments
    return this.#byWeight(asked, frames).map(([b, c]) => [of(b), of(c)] as const)
  }

  #byWeight(asked: Asked, frames: readonly Frame[]) {
    return [...new Set(frames.map(({ pi }) => pi))].map((pi) =>
      this.#bySide(
        asked,
        frames.filter((frame) => frame.pi === pi),
      ),
    )
  }

  /** The baseline's units in a cohort, and how bad they were. */
  #badOf(asked: Asked, frame: Frame): readonly [number, number] {
    const [ys] = this.#bySide(asked, [frame])
    const shares = ys.map(({ y }) => y / (asked.cap ?? 1))
    const bad = shares.map((share) => (asked.better === 'lower' ? share : 1 - share))
    return [shares.length, bad.reduce((sum, each) => sum + each, 0)]
  }

  #bySide(asked: Asked, frames: readonly Frame[]): readonly [readonly Value[], readonly Value[]] {
    const all = frames.flatMap((frame) => this.#sample.values(asked, frame))
    return [all.filter(({ side }) => side === 0), all.filter(({ side }) => side === 1)]
  }
}

function harmOf({ harmRatio, better }: Asked): Question {
  return { ratio: harmRatio, isHarm: true, better }
}

/** Of what is never proved: the other side of its interval. */
function proofOf({ proofRatio, better }: Asked): Question {
  return { ratio: proofRatio ?? 1, isHarm: false, better }
}

/** Something of the cohorts since each start point that has begun. */
function byStart<T>(frames: readonly Frame[], of: (since: readonly Frame[]) => T): readonly T[] {
  const { epoch } = frames.at(-1)!
  return Array.from({ length: epoch + 1 }, (_, k) => of(frames.filter((f) => f.epoch >= k)))
}

/** Of a ratio: all of one over all of the other. */
function meanOf(values: readonly Value[]): number | null {
  const all = values.reduce((sum, { d }) => sum + d, 0)
  return all === 0 ? null : values.reduce((sum, { y }) => sum + y, 0) / all
}

function momentsOf(values: readonly Value[]): Values {
  const mean = meanOf(values) ?? 0
  const squares = values.reduce((sum, { y }) => sum + (y - mean) ** 2, 0)
  return { n: values.length, mean, ratio: mean, variance: squares / (values.length - 1) }
}
