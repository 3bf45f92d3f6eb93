import { growths, logMeanExp } from './formulas.ts'

/** A request that was copied, and what became of both answers. */
export type Pair = {
  readonly segment: string
  /** Index of the interval in which its copy left. */
  readonly interval: number
  /** When both fates are known. */
  readonly knownAt: number
  readonly failed: readonly [baseline: boolean, canary: boolean]
  /** Null: the answers could not be compared. */
  readonly disagreed: boolean | null
  /** Null = the answer has no number. */
  readonly predictions: readonly [baseline: number | null, canary: number | null]
  /** Null = none comes. */
  readonly label: { readonly at: number; readonly value: number } | null
}

/** How many pairs had something on the canary's side alone, on the baseline's, on both, and on neither. */
export type Sides = readonly [canary: number, baseline: number, both: number, neither: number]

const GROWTH = [0.1, 0.2, 0.35, 0.6, 1, 2, 5, 15]
const HARM_GROWTH = [0.03, ...GROWTH]
const HARM_EFFECTS = [0.01, 0.025, 0.05, 0.1, 0.2, 0.4, 0.8]
const PROOF_EFFECTS = [0.02, 0.05, 0.1, 0.2, 0.4, 0.8, 1.6]

/** log E of bets on d = [canary] − ρ·[baseline] − δ, with the λ of label bets at π = 1/2. */
export function sidesEvidence(
  [canary, baseline, both, neither]: Sides,
  { ratio, isHarm, floor }: { ratio: number; isHarm: boolean; floor: number },
): number {
  const theta = (r: number) => r / (1 + r)
  return logMeanExp(
    growths({ ratio, isHarm, better: 'lower' }).map((g) => {
      const lambda = theta(isHarm ? ratio * (1 + g) : ratio / (1 + g)) / theta(ratio) - 1
      const won = (d: number) => Math.log1p(lambda * (d - floor))
      return canary * won(1) + baseline * won(-ratio) + both * won(1 - ratio) + neither * won(0)
    }),
  )
}

/** log E of a share that is more, or less, than `max`: likelihood ratios of other shares. */
export function shareEvidence(of: number, all: number, max: number, isHarm: boolean): number {
  return logMeanExp(
    (isHarm ? HARM_GROWTH : GROWTH).map((g) => {
      const odds = (max / (1 - max)) * (isHarm ? 1 + g : 1 / (1 + g))
      const share = odds / (1 + odds)
      return of * Math.log(share / max) + (all - of) * Math.log((1 - share) / (1 - max))
    }),
  )
}

/** What a share is not shown to be below, and above, each at log E. */
export function shareBounds(of: number, all: number, log: number): readonly [number, number] {
  const bisect = (isLow: (share: number) => boolean) => {
    let [low, high] = [0, 1]
    for (let n = 0; n < 60; n++) {
      const middle = (low + high) / 2
      if (isLow(middle)) low = middle
      else high = middle
    }
    return low
  }
  const lower = bisect((max) => of > all * max && shareEvidence(of, all, max, true) >= log)
  const upper = bisect((max) => of >= all * max || shareEvidence(of, all, max, false) < log)
  return [lower, upper]
}

/** λ of the bets on differences of scores, from what earlier pairs have; null = too little. */
export function differenceBets(
  scores: readonly (readonly [baseline: number, canary: number])[],
  { ratio, isHarm, isUp, cap }: { ratio: number; isHarm: boolean; isUp: boolean; cap: number },
): readonly number[] | null {
  if (scores.length < 20) return null
  const n = scores.length
  const mean = scores.reduce((sum, [b]) => sum + b, 0) / n
  const ds = scores.map(([b, c]) => c - ratio * b)
  const centre = ds.reduce((sum, d) => sum + d, 0) / n
  const variance = ds.reduce((sum, d) => sum + (d - centre) ** 2, 0) / n
  const most = isUp ? 1 / (ratio * cap) : 1 / cap
  const effects = isHarm ? HARM_EFFECTS : PROOF_EFFECTS
  const margin = Math.abs(ratio - 1)
  const unit = !isHarm && margin < 0.02 ? mean * (margin / 0.02) : mean
  const sign = isUp ? 1 : -1
  return effects.map((effect) => sign * Math.min((effect * unit) / variance, 0.8 * most))
}
