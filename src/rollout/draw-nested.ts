import type { Pair } from '../domain/cohort.ts'
import { drawBinomial, type Draw } from '../statistics/sampling.ts'

/** How many of `n` are beyond the threshold of harm, and beyond that of the proof, which is the same or lies above it. */
export function drawNested(
  draw: Draw,
  n: number,
  [harmRate, proofRate]: readonly [harm: number, proof: number],
): Pair {
  const rate = Math.max(harmRate, Number.MIN_VALUE)
  const beyondHarm = drawBinomial(draw, n, rate)
  return [beyondHarm, drawBinomial(draw, beyondHarm, proofRate / rate)]
}
