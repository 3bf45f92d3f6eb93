import type { Chance } from '../lives/chance.ts'
import { ALL_SIZES, BOUNDED, type Sizes, type Wave } from './sizes.ts'

/** Who asks: keys that keep their variant, and ask more or less often. */
export type Keys = {
  readonly count: number
  /** Key i asks in proportion to (i + 1)^−skew. */
  readonly skew: number
  /** The share of requests by whom nobody has seen before. */
  readonly fresh: number
  /** How much keys differ in what they fail at, and how long they wait; 0 = not at all. */
  readonly differ: number
}

/** A time in which everybody's requests fare worse. */
export type Outage = {
  readonly from: number
  readonly until: number
  readonly failing: number
  readonly slower: number
}

/** What requests of a service meet, whoever answers them. Times in seconds since the beginning. */
export type Traffic = {
  readonly perSecond: number
  readonly seconds: number
  readonly rate: Wave
  readonly keys: Keys | null
  readonly segments: readonly number[]
  readonly failing: number
  readonly failures: Wave
  /** The share of the failures that are deadlines. */
  readonly deadlines: number
  readonly leaving: number
  readonly refused: number
  /** The share of failed requests that come again at once. */
  readonly again: number
  readonly outages: readonly Outage[]
  readonly latency: Sizes
  readonly latencyMs: number
  readonly slowness: Wave
  readonly errors: Sizes
  readonly errorWave: Wave
  readonly right: number
  readonly buying: number
  readonly demand: Wave
  readonly amounts: Sizes
  readonly viewing: number
  readonly clicking: number
  /** Labels: after so many seconds on average; the share that never comes; whether large errors are labelled less often. */
  readonly labelSeconds: number
  readonly unlabelled: number
  readonly shyErrors: boolean
  /** Requests that were not answered well are labelled, too. */
  readonly labelsFailed: boolean
}

/** Draws a traffic of up to some times so many requests. `bounded`: everything has a size that it never exceeds, and keys are alike, so that a margin can be met exactly. */
export function drawTraffic(chance: Chance, requests: number, bounded: boolean): Traffic {
  const perSecond = Math.exp(chance.draw() * Math.log(500))
  const most = requests * chance.pick(0.3, 1, 1, 3)
  const seconds = Math.round(Math.min(5000, Math.max(60, most / perSecond)))
  const sizes = () => chance.pick(...(bounded ? BOUNDED : ALL_SIZES))
  const wave = (): Wave => ({
    height: chance.isSo(0.5) ? 0 : 0.9 * chance.draw(),
    seconds: seconds * chance.pick(0.1, 0.5, 2),
    phase: 6.3 * chance.draw(),
  })
  const outage = (): Outage => {
    const from = seconds * chance.draw()
    const lasts = chance.pick(1, 5, 30, seconds / 10)
    return {
      from,
      until: from + lasts,
      failing: chance.pick(0, 0.2, 0.6, 1),
      slower: chance.pick(1, 3, 20),
    }
  }
  return {
    perSecond,
    seconds,
    rate: wave(),
    keys: chance.isSo(0.45) ? drawKeys(chance, bounded) : null,
    segments: chance.isSo(0.3) ? chance.pick([0.5], [0.1, 0.3], [0.02, 0.2, 0.4]) : [],
    failing: bounded
      ? chance.pick(0.001, 0.01, 0.05, 0.2)
      : chance.isSo(0.04)
        ? chance.pick(0.5, 0.9, 1)
        : chance.pick(0, 1e-4, 0.001, 0.01, 0.01, 0.05, 0.2),
    failures: wave(),
    deadlines: chance.pick(0, 0, 0.3, 1),
    leaving: chance.pick(0, 0, 0.005, 0.1),
    refused: chance.pick(0, 0, 0.01, 0.3),
    again: chance.pick(0, 0, 0.8),
    outages: !bounded && chance.isSo(0.3) ? Array.from({ length: chance.whole(1, 3) }, outage) : [],
    latency: sizes(),
    latencyMs: chance.pick(1, 20, 200, 2000),
    slowness: wave(),
    errors: sizes(),
    errorWave: bounded ? { height: 0, seconds: 1, phase: 0 } : wave(),
    right: chance.pick(0.2, 0.8, 0.95, 0.999, ...(bounded ? [] : [0, 1])),
    buying: chance.pick(0.01, 0.05, 0.3, ...(bounded ? [] : [0, 0.001, 0.95, 1])),
    demand: wave(),
    amounts: sizes(),
    viewing: chance.pick(0.05, 0.8, 3),
    clicking: chance.pick(0.02, 0.2, 0.5),
    labelSeconds: chance.pick(0.1, 1, 1, 5),
    unlabelled: chance.pick(0, 0, 0.05, 0.4),
    shyErrors: !bounded && chance.isSo(0.2),
    labelsFailed: chance.isSo(0.3),
  }
}

function drawKeys(chance: Chance, bounded: boolean): Keys {
  return {
    count: chance.pick(20, 200, 2000, 20_000),
    skew: chance.pick(0, 0, 1, 1.5),
    fresh: chance.pick(0, 0.05, 0.5, 1),
    differ: bounded ? 0 : chance.pick(0, 0.3, 2),
  }
}
