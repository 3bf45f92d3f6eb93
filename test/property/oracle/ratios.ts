import { HARM_EFFECTS, isUp, PROOF_EFFECTS, type Bets, type Question } from './formulas.ts'
import type { Values } from './intervals.ts'
import type { Value } from './sample.ts'

type Sides = readonly [baseline: readonly Value[], canary: readonly Value[]]

/** The bets on a ratio of two counts, from the units of earlier cohorts at each weight. */
export function ratioBets(
  of: { readonly weights: readonly Sides[]; readonly pi: number; readonly cap: number },
  harm: Question,
  proof: Question,
): Bets | null {
  const baseline = of.weights.flatMap(([b]) => b)
  const all = sum(baseline, ({ d }) => d)
  if (all === 0) return null
  const centre = sum(baseline, ({ y }) => y) / all
  const variance = sum(baseline, ({ y, d }) => (y - centre * d) ** 2) / baseline.length
  const lift = liftOf(of.weights)
  const mean = sum(baseline, ({ y }) => y) / baseline.length
  const moments = { centre, variance, lift, mean, pi: of.pi, cap: of.cap }
  return { centre, lift, harm: lambdas(harm, moments), proof: lambdas(proof, moments) }
}

/** ln(1 + λψ) of a unit. */
export function betOnRatio(
  lambda: number,
  { side, y, d }: Value,
  ratio: number,
  { centre, lift }: Bets,
  pi: number,
): number {
  const psi =
    side === 1 ? (y - ratio * centre * d) / (pi * lift!) : (-ratio * (y - centre * d)) / (1 - pi)
  return Math.log1p(lambda * psi)
}

/** Of a side at one weight: by the delta method its variance is that of n − r·d. */
export function ratioMoments(values: readonly Value[]): Values {
  const n = values.length
  const ratio = sum(values, ({ y }) => y) / sum(values, ({ d }) => d)
  const squares = sum(values, ({ y, d }) => (y - ratio * d) ** 2)
  return { n, ratio, mean: sum(values, ({ y }) => y) / n, variance: squares / (n - 1) }
}

/** q, by which the canary's denominators are larger; 1 where a side has none. */
function liftOf(weights: readonly Sides[]): number {
  const both = weights.filter(([b, c]) => b.length > 0 && c.length > 0)
  const units = both.reduce((all, [b, c]) => all + b.length + c.length, 0)
  const [db, dc] = [0, 1].map((side) =>
    both.reduce((all, of) => all + ((of[0].length + of[1].length) / units) * meanOf(of[side]!), 0),
  ) as [number, number]
  const [vb, vc] = [0, 1].map((side) =>
    both.reduce(
      (all, of) =>
        all +
        ((of[0].length + of[1].length) / units) ** 2 * (varianceOf(of[side]!) / of[side]!.length),
      0,
    ),
  ) as [number, number]
  if (!(db > 0 && dc > 0)) return 1
  const q = dc / db
  if (q === 1) return 1
  const v = q ** 2 * (vc / dc ** 2 + vb / db ** 2)
  return 1 + (q - 1) * Math.max(0, 1 - v / (q - 1) ** 2)
}

function lambdas(
  question: Question,
  of: { centre: number; variance: number; lift: number; mean: number; pi: number; cap: number },
): readonly number[] {
  const { ratio, isHarm, better } = question
  const { centre: r, variance, lift: q, mean: g, pi, cap } = of
  if (g === 0) return HARM_EFFECTS.map(() => 0)
  const margin = Math.abs(ratio - 1)
  const unit = !isHarm && margin < 0.02 ? g * (margin / 0.02) : g
  const e = better === 'higher' ? Math.min(unit, cap - ratio * g) : unit
  const isLoss = isHarm && better === 'higher'
  const ofCanary = isLoss ? ratio * variance + ratio * (1 - ratio) * g * g : variance
  const scale = e / (ofCanary / (pi * q) + (ratio * ratio * variance) / (1 - pi))
  const most = isUp(question)
    ? Math.min((pi * q) / (ratio * r * cap), (1 - pi) / (ratio * cap))
    : Math.min((pi * q) / cap, (1 - pi) / (ratio * r * cap))
  const sign = isUp(question) ? 1 : -1
  return (isHarm ? HARM_EFFECTS : PROOF_EFFECTS).map(
    (effect) => sign * Math.min(effect * scale, 0.8 * most),
  )
}

function meanOf(values: readonly Value[]): number {
  return sum(values, ({ d }) => d) / values.length
}

function varianceOf(values: readonly Value[]): number {
  const mean = meanOf(values)
  return sum(values, ({ d }) => (d - mean) ** 2) / values.length
}

function sum(values: readonly Value[], of: (value: Value) => number): number {
  return values.reduce((all, value) => all + of(value), 0)
}
