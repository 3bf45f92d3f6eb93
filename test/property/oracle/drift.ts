import { betaBinomial, mixStarts } from './formulas.ts'
import type { Frame } from './history.ts'
import type { Asked } from './questions.ts'
import type { Sample } from './sample.ts'

/** Values by bin at one weight. */
type Counts = { readonly pi: number; readonly bins: readonly (readonly [number, number])[] }

/** What is shown of a watched number. */
export type Shift = {
  /** The largest log-evidence so far. */
  readonly log: number
  readonly psi: number
  readonly ks: number
  readonly w1: number
  readonly shares: readonly [readonly number[], readonly number[]]
}

/** How many of the baseline's first values fix the bins. */
const FIRST = 500

/** Edges of bins, each of (edge before, edge], that a sample fixes: its deciles, and bins of its own for a value that ties. */
export function edgesOf(sample: readonly number[]): readonly number[] {
  const sorted = sample.toSorted((a, b) => a - b)
  const distinct = [...new Set(sorted)]
  const tied = distinct.filter(
    (value) =>
      distinct.length <= 10 || sorted.filter((v) => v === value).length >= sorted.length / 10,
  )
  const cuts = tied.flatMap((value) => {
    const at = distinct.indexOf(value)
    const [before, after] = [distinct[at - 1], distinct[at + 1]]
    const lone = 1e-6 * Math.max(1, Math.abs(value))
    const below = before === undefined ? null : (value - before) / 2
    const above = after === undefined ? null : (after - value) / 2
    return [value - (below ?? above ?? lone), value + (above ?? below ?? lone)]
  })
  const deciles = [1, 2, 3, 4, 5, 6, 7, 8, 9].map(
    (k) => sorted[Math.ceil((sorted.length * k) / 10) - 1]!,
  )
  const edges = [...cuts, ...deciles.filter((value) => !tied.includes(value))]
  return [...new Set(edges)].toSorted((x, y) => x - y)
}

/** The shift of a watched number, as docs/drift.md has it. */
export class Watched {
  readonly #sample: Sample
  readonly #asked: Asked
  #logs: readonly (readonly [cohort: number, log: number])[] | null = null

  constructor(sample: Sample, asked: Asked) {
    this.#sample = sample
    this.#asked = asked
  }

  /** The values that fix the bins, in the order of requests or answers: of the cohorts that were open before these were known. */
  first(of: 'request' | 'answer'): readonly number[] {
    const before = this.#sample.frames.filter((frame) => this.#edges(frame) === null)
    const values = before.flatMap((frame) => this.#sample.values(this.#asked, frame))
    const ordered = of === 'request' ? values : values.toSorted((a, b) => a.endsAt - b.endsAt)
    return ordered.flatMap(({ side, y }) => (side === 0 ? [y] : [])).slice(0, FIRST)
  }

  /** When cohorts up to `through` are folded; null = nothing is known yet. */
  shift(through: number): Shift | null {
    const frames = this.#sample.through(through).filter((frame) => this.#edges(frame) !== null)
    if (frames.length === 0) return null
    const { epoch } = frames.at(-1)!
    const since = Array.from({ length: epoch + 1 }, (_, k) =>
      this.#counts(frames.filter((frame) => frame.epoch >= k)),
    )
    const edges = this.#edges(frames.at(-1)!)!
    const sizes = since.flatMap((strata) => {
      const size = sizeOf(strata, edges)
      return size === null ? [] : [{ own: evidence(strata), size }]
    })
    if (sizes.length === 0) return null
    const most = sizes.reduce((best, each) => (each.own > best.own ? each : best))
    return { log: this.log(through), ...most.size }
  }

  /** The largest log-evidence so far. */
  log(through: number): number {
    let most = 0
    this.#logs ??= this.#sample.frames.map(({ number, epoch }) => {
      const frames = this.#sample.through(number).filter((frame) => this.#edges(frame) !== null)
      const logs = Array.from({ length: epoch + 1 }, (_, k) =>
        evidence(this.#counts(frames.filter((frame) => frame.epoch >= k))),
      )
      most = Math.max(most, mixStarts(logs, false))
      return [number, most] as const
    })
    return this.#logs.findLast(([cohort]) => cohort <= through)?.[1] ?? 0
  }

  #counts(frames: readonly Frame[]): readonly Counts[] {
    return [...new Set(frames.map(({ pi }) => pi))].map((pi) => {
      const own = frames.filter((frame) => frame.pi === pi)
      const edges = this.#edges(own[0]!)!
      const bins = Array.from({ length: edges.length + 1 }, (): [number, number] => [0, 0])
      for (const { side, y } of own.flatMap((frame) => this.#sample.values(this.#asked, frame))) {
        bins[edges.filter((edge) => edge < y).length]![side] += 1
      }
      return { pi, bins }
    })
  }

  #edges({ terms }: Frame): readonly number[] | null {
    return terms.bins?.[this.#asked.id] ?? null
  }
}

/** The sample ratio's test in each bin, of κ units that stand for τ = 0.3. */
function evidence(strata: readonly Counts[]): number {
  return sum(
    strata.map(({ pi, bins }) => {
      const kappa = 1 / (0.3 ** 2 * pi * (1 - pi)) - 1
      return sum(bins.map(([b, c]) => betaBinomial({ pi, canary: c, total: b + c }, kappa)))
    }),
  )
}

/** Within each weight, averaged; null where a side has no value. */
function sizeOf(strata: readonly Counts[], edges: readonly number[]): Omit<Shift, 'log'> | null {
  const sizes = strata.flatMap(({ bins }) => {
    const [nb, nc] = [sum(bins.map(([b]) => b)), sum(bins.map(([, c]) => c))]
    if (nb === 0 || nc === 0) return []
    const used = bins.filter(([b, c]) => b + c > 0)
    const half = (count: number, n: number) => (count + 0.5) / (n + used.length / 2)
    const raw = used.map(
      ([b, c]) => (half(c, nc) - half(b, nb)) * Math.log(half(c, nc) / half(b, nb)),
    )
    const spread = 1 / nc + 1 / nb
    const shares = bins.map(([b, c]) => [b / nb, c / nc] as const)
    return [{ weight: 1 / spread, psi: sum(raw) - (used.length - 1) * spread, shares }]
  })
  if (sizes.length === 0) return null
  const all = sum(sizes.map(({ weight }) => weight))
  const mean = (of: (size: (typeof sizes)[number]) => number) =>
    sum(sizes.map((size) => of(size) * size.weight)) / all
  const shares = [0, 1].map((side) =>
    Array.from({ length: edges.length + 1 }, (_, i) => mean((size) => size.shares[i]![side]!)),
  ) as [number[], number[]]
  const apart = edges.map((_, i) => {
    const [b, c] = shares.map((each) => sum(each.slice(0, i + 1)))
    return Math.abs(c! - b!)
  })
  const areas = edges.slice(1).map((edge, i) => apart[i]! * (edge - edges[i]!))
  return {
    psi: Math.max(
      0,
      mean(({ psi }) => psi),
    ),
    ks: Math.max(...apart),
    w1: sum(areas),
    shares,
  }
}

function sum(values: readonly number[]): number {
  return values.reduce((all, value) => all + value, 0)
}
