import { bisectLog, eventEvidence, growths, isUp, type Question, type Stratum } from './formulas.ts'

export type Interval = {
  readonly estimate: number
  readonly lower: number
  readonly upper: number
  readonly level: number
}

/** A side's values at one weight; `ratio` is what is compared: their mean, or of a ratio that over the denominators'. */
export type Values = {
  readonly n: number
  readonly mean: number
  readonly ratio: number
  readonly variance: number
}

/** Where the bets themselves decide, each at its α. Null: no upper bound yet. */
export function eventInterval(
  strata: readonly Stratum[],
  harm: Question,
  proof: Question,
  alpha: { readonly harm: number; readonly proof: number },
): Interval | null {
  const decides = (question: Question, level: number) => (ratio: number) =>
    eventEvidence(strata, { ...question, ratio }, 0, growths(question)) >= Math.log(1 / level)
  const [isHarm, isProof] = [decides(harm, alpha.harm), decides(proof, alpha.proof)]
  const [isMore, isLess] = isUp(harm) ? [isHarm, isProof] : [isProof, isHarm]
  if (!isLess(Math.exp(20))) return null
  const [lower, upper] = [
    isMore(Math.exp(-20)) ? bisectLog((r) => !isMore(r)) : 0,
    bisectLog(isLess),
  ]
  const estimate = Math.min(Math.max(shareRatio(strata), lower), upper)
  return { estimate, lower, upper, level: 1 - alpha.harm - alpha.proof }
}

/** The ratio that makes whose the events are most likely, divided by what the draw has dealt out beside it. */
function shareRatio(strata: readonly Stratum[]): number {
  const sum = (of: (stratum: Stratum) => number) =>
    strata.reduce((all, stratum) => all + of(stratum), 0)
  const canary = sum(({ events }) => events[1])
  const drawn = [sum(({ units }) => units[0]), sum(({ units }) => units[1])] as const
  const due = sum(({ pi, units }) => pi * (units[0] + units[1]))
  if (canary === 0) return 0
  const found = bisectLog(
    (r) => sum(({ pi, events: [b, c] }) => ((b + c) * pi * r) / (1 - pi + pi * r)) >= canary,
  )
  const luck = drawn[1] / drawn[0] / (due / (drawn[0] + drawn[1] - due))
  return luck > 0 && luck < Infinity ? found / luck : found
}

/** Log-ratios within each weight by the delta method, inverse-variance weights, the two-sided normal mixture. */
export function meanInterval(
  strata: readonly (readonly [Values, Values])[],
  ratio: number,
  isSquare: boolean,
  alpha: number,
): Interval | null {
  const told = strata.flatMap(([b, c]) => {
    if (b.n < 2 || c.n < 2 || b.mean <= 0 || c.mean <= 0) return []
    const variance = [b, c].reduce(
      (sum, { n, mean, variance: s2 }) => sum + s2 / (n * mean ** 2),
      0,
    )
    return variance > 0 ? [{ log: Math.log(c.ratio / b.ratio), variance }] : []
  })
  if (told.length === 0) return null
  const v = told.reduce((sum, { variance }) => sum + 1 / variance, 0)
  const centre = told.reduce((sum, { log, variance }) => sum + log / variance, 0) / v
  const r = 1 / Math.log(ratio) ** 2
  const radius = Math.sqrt((v + r) * (Math.log((v + r) / r) + 2 * Math.log(1 / alpha))) / v
  const shown = (log: number) => Math.exp(isSquare ? log / 2 : log)
  return {
    estimate: shown(centre),
    lower: shown(centre - radius),
    upper: shown(centre + radius),
    level: 1 - alpha,
  }
}

/** An interval without what the evidence has excluded beyond a margin (null = nothing), where the estimate agrees. */
export function cut(
  interval: Interval,
  better: 'lower' | 'higher',
  { harm, proof }: { readonly harm: number | null; readonly proof: number | null },
): Interval {
  const [below, above] = better === 'lower' ? [harm, proof] : [proof, harm]
  const { estimate, lower, upper } = interval
  return {
    ...interval,
    lower: below !== null && below <= estimate ? Math.max(lower, below) : lower,
    upper: above !== null && above >= estimate ? Math.min(upper, above) : upper,
  }
}
