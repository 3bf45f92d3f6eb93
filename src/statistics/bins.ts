/** Bins of a distribution that is compared: deciles of the baseline's first values. */
export const DECILES = 10

/**
 * Edges of bins from a sample of at least one finite value: bin i holds the values in (edge i−1, edge i],
 * the first and the last one are open to the outside.
 *
 * Deciles of the sample where its values differ. Values that tie get a bin of their own, cut halfway to
 * their neighbours: each value of a sample that has at most ten (classes, a constant), else each one that
 * makes up a tenth of it or more (many zeros, say). What lies beyond all of those lands in a bin that was
 * empty at first, so that a new class is seen.
 */
export function decileEdges(sample: readonly number[]): readonly number[] {
  const sorted = sample.toSorted((a, b) => a - b)
  const { values, counts } = countDistinct(sorted)
  const isAtom = (i: number) => values.length <= DECILES || counts[i]! * DECILES >= sorted.length
  const edges = new Set<number>()
  for (const i of values.keys()) {
    if (!isAtom(i)) continue
    edges.add(i === 0 ? outside(values, -1) : middle(values, i - 1))
    edges.add(i === values.length - 1 ? outside(values, 1) : middle(values, i))
  }
  for (let k = 1; k < DECILES; k++) {
    const decile = sorted[Math.ceil((k / DECILES) * sorted.length) - 1]!
    if (!isAtom(values.indexOf(decile))) edges.add(decile)
  }
  return [...edges].toSorted((a, b) => a - b)
}

/** Index of the bin that a value falls into, from 0 to the number of edges. */
export function binOf(edges: readonly number[], value: number): number {
  let low = 0
  let high = edges.length
  while (low < high) {
    const mid = (low + high) >>> 1
    if (edges[mid]! < value) low = mid + 1
    else high = mid
  }
  return low
}

function countDistinct(sorted: readonly number[]): { values: number[]; counts: number[] } {
  const values: number[] = []
  const counts: number[] = []
  for (const value of sorted) {
    if (value === values.at(-1)) counts[counts.length - 1]!++
    else {
      values.push(value)
      counts.push(1)
    }
  }
  return { values, counts }
}

function middle(values: readonly number[], i: number): number {
  const [low, high] = [values[i]!, values[i + 1]!]
  const between = low + (high - low) / 2
  // Between two neighbouring doubles there is none, and it would be rounded to either.
  return between < high ? between : low
}

// As far beyond the first or last value as it is from its neighbour; a lone value has none.
function outside(values: readonly number[], direction: -1 | 1): number {
  const last = direction === 1 ? values.length - 1 : 0
  const value = values[last]!
  const gap =
    values.length === 1
      ? Math.max(Math.abs(value), 1) * LONE_GAP
      : Math.abs(value - values[last - direction]!) / 2
  return value + direction * gap
}

/** How far from a constant a value is another one, as a fraction. */
const LONE_GAP = 1e-6
