import { normal } from '../../../bench/calibration/deviates.ts'
import type { Random } from '../../../bench/calibration/random.ts'

/** A distribution of sizes from 0 on, about 1 where it has a typical one. */
export type Sizes = {
  readonly name: string
  readonly draw: (random: Random) => number
  /** No size is above it. */
  readonly most: number
}

/** Those that end somewhere, so that a canary whose sizes are so much larger is so under a cap, too. */
export const BOUNDED: readonly Sizes[] = [
  { name: 'even', draw: (random) => 2 * random(), most: 2 },
  { name: 'few', draw: (random) => [0, 0, 0, 1, 1, 4][Math.floor(6 * random())]!, most: 4 },
  { name: 'constant', draw: () => 1, most: 1 },
  { name: 'rare', draw: (random) => (random() < 0.02 ? 3 : 0.05), most: 3 },
]

const UNBOUNDED: readonly Sizes[] = [
  { name: 'normal', draw: (random) => Math.abs(normal(random)), most: Infinity },
  { name: 'exponential', draw: (random) => -Math.log(random()), most: Infinity },
  { name: 'lognormal', draw: (random) => Math.exp(1.5 * normal(random)), most: Infinity },
  // Of infinite variance, and of an infinite mean.
  { name: 'pareto', draw: (random) => random() ** (-1 / 1.5) - 1, most: Infinity },
  {
    name: 'cauchy',
    draw: (random) => Math.abs(Math.tan(Math.PI * (random() - 0.5))),
    most: Infinity,
  },
  { name: 'zero', draw: () => 0, most: 0 },
]

export const ALL_SIZES: readonly Sizes[] = [...BOUNDED, ...UNBOUNDED]

/** What goes up and down as the time goes by, around 1. */
export type Wave = { readonly height: number; readonly seconds: number; readonly phase: number }

/** How much of the usual there is so many seconds after the beginning. */
export function waveAt({ height, seconds, phase }: Wave, at: number): number {
  return 1 + height * Math.sin((2 * Math.PI * at) / seconds + phase)
}

/** The most of the usual that there ever is. */
export function crestOf({ height }: Wave): number {
  return 1 + height
}

/** A share as a file has it. */
export function percent(share: number): string {
  return `${Number((100 * share).toPrecision(4))}%`
}
