/** The formulas of docs/statistics.md, word for word. */

/** Events on both sides at one weight, of so many units. */
export type Stratum = { pi: number; units: [number, number]; events: [number, number] }

/** A direction of a question about `ratio` times what the baseline has. */
export type Question = {
  readonly ratio: number
  readonly isHarm: boolean
  readonly better: 'lower' | 'higher'
}

/** What a cohort's bets on means are: the centre g (of a ratio r̂, and q), and the λ of each. */
export type Bets = {
  readonly centre: number
  readonly lift?: number
  readonly harm: readonly number[]
  readonly proof: readonly number[]
}

const GROWTH = [0.1, 0.2, 0.35, 0.6, 1, 2, 5, 15]
export const HARM_EFFECTS = [0.01, 0.025, 0.05, 0.1, 0.2, 0.4, 0.8]
export const PROOF_EFFECTS = [0.02, 0.05, 0.1, 0.2, 0.4, 0.8, 1.6]

export function logMeanExp(logs: readonly number[]): number {
  const most = Math.max(...logs)
  if (most === -Infinity) return most
  return most + Math.log(logs.reduce((sum, log) => sum + Math.exp(log - most), 0) / logs.length)
}

export function isUp({ isHarm, better }: Question): boolean {
  return isHarm === (better === 'lower')
}

/** g: of harm (and at a margin of 0) .03 before the others; of a proof within a small margin so much less that the first is a bet on equal rates. */
export function growths({ ratio, isHarm, better }: Question): readonly number[] {
  if (isHarm || ratio === 1) return [0.03, ...GROWTH]
  const toEqual = better === 'lower' ? ratio - 1 : 1 / ratio - 1
  return toEqual > 0 && toEqual < 0.1 ? GROWTH.map((g) => (g * toEqual) / 0.1) : GROWTH
}

/** log E of events: the mean over the bets of Π (1 + λψ). */
export function eventEvidence(
  strata: readonly Stratum[],
  question: Question,
  floor: number,
  bets = growths(question),
): number {
  const { ratio } = question
  const theta = (pi: number, r: number) => (pi * r) / (1 - pi + pi * r)
  return logMeanExp(
    bets.map((g) => {
      const r = isUp(question) ? ratio * (1 + g) : ratio / (1 + g)
      return strata.reduce((sum, { pi, units, events: [b, c] }) => {
        const lambda = pi * (theta(pi, r) / theta(pi, ratio) - 1)
        const none = units[0] + units[1] - b - c
        const canary = Math.log1p(lambda * (1 / pi - floor))
        const baseline = Math.log1p(lambda * (-ratio / (1 - pi) - floor))
        return sum + c * canary + b * baseline + none * Math.log1p(-lambda * floor)
      }, 0)
    }),
  )
}

/** λ of each bet on means, from the mean, the variance and the cap of the baseline's values. */
export function meanBets(
  question: Question,
  pi: number,
  moments: { readonly centre: number; readonly variance: number; readonly cap: number },
): readonly number[] {
  const { ratio, isHarm, better } = question
  const { centre: g, variance, cap } = moments
  // At a margin of 0 it is asked whether one is better.
  const isBetter = !isHarm && ratio === 1
  const effects = isHarm || isBetter ? HARM_EFFECTS : PROOF_EFFECTS
  if (g === 0) return effects.map(() => 0)
  const margin = Math.abs(ratio - 1)
  const unit = !isHarm && !isBetter && margin < 0.02 ? g * (margin / 0.02) : g
  const e = ratio <= 1 ? Math.min(unit, cap - ratio * g) : unit
  const isLoss = isHarm && better === 'higher'
  const ofCanary = isLoss ? ratio * variance + ratio * (1 - ratio) * g * g : variance
  const scale = e / (ofCanary / pi + (ratio * ratio * variance) / (1 - pi))
  const most = isUp(question)
    ? Math.min(pi / (ratio * g), (1 - pi) / (ratio * (cap - g)))
    : Math.min(pi / (cap - ratio * g), (1 - pi) / (ratio * g))
  const sign = isUp(question) ? 1 : -1
  const unclipped = (effect: number) => (e > 0 ? effect * scale : most * (effect / effects.at(-1)!))
  return effects.map((effect) => sign * Math.min(unclipped(effect), 0.8 * most))
}

/** ln(1 + λψ) of a value. */
export function betOn(
  lambda: number,
  side: 0 | 1,
  y: number,
  ratio: number,
  g: number,
  pi: number,
): number {
  const psi = side === 1 ? (y - ratio * g) / pi : (-ratio * (y - g)) / (1 - pi)
  return Math.log1p(lambda * psi)
}

/** Half of the stake on all, a thirtieth on each of 15 later start points; one that has not begun is worth 1. `isLargest`: not their sum. */
export function mixStarts(logs: readonly number[], isLargest: boolean): number {
  const stakes = Array.from(
    { length: 16 },
    (_, k) => Math.log(k === 0 ? 1 / 2 : 1 / 30) + (logs[k] ?? 0),
  )
  return isLargest ? Math.max(...stakes) : logMeanExp(stakes) + Math.log(16)
}

/** log E of the sample ratio, of units of the canary and of both at each weight. */
export function sampleRatio(
  strata: readonly { pi: number; canary: number; total: number }[],
): number {
  return strata.reduce((sum, stratum) => sum + betaBinomial(stratum, 10_000), 0)
}

/** log of a Beta-binomial with a prior of κ units around π against the binomial. */
export function betaBinomial(
  { pi, canary, total }: { pi: number; canary: number; total: number },
  kappa: number,
): number {
  const lost = total - canary
  const prior = logBeta(kappa * pi, kappa * (1 - pi))
  const after = logBeta(kappa * pi + canary, kappa * (1 - pi) + lost)
  return after - prior - canary * Math.log(pi) - lost * Math.log(1 - pi)
}

/** Where a rising condition begins to hold, between e^-20 and e^20. */
export function bisectLog(holds: (ratio: number) => boolean): number {
  let [low, high] = [-20, 20]
  for (let n = 0; n < 100; n++) {
    const middle = (low + high) / 2
    if (holds(Math.exp(middle))) high = middle
    else low = middle
  }
  return Math.exp(high)
}

function logBeta(a: number, b: number): number {
  return logGamma(a) + logGamma(b) - logGamma(a + b)
}

/** Stirling's series, after a shift to where it holds to the last digit. */
function logGamma(x: number): number {
  if (x < 20) return logGamma(x + 1) - Math.log(x)
  const r = 1 / (x * x)
  return (
    (x - 0.5) * Math.log(x) -
    x +
    Math.log(2 * Math.PI) / 2 +
    (1 / 12 - r * (1 / 360 - r / 1260)) / x
  )
}
