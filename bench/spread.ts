/** Where the values of one figure lie. */
export type Spread = {
  readonly median: number
  readonly q1: number
  readonly q3: number
  readonly min: number
  readonly max: number
}

/** Quartiles by linear interpolation between the values around them; of at least one value. */
export function spread(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b)
  const at = (share: number) => {
    const place = share * (sorted.length - 1)
    const below = sorted[Math.floor(place)]!
    return below + (place % 1) * (sorted[Math.ceil(place)]! - below)
  }
  return { median: at(0.5), q1: at(0.25), q3: at(0.75), min: at(0), max: at(1) }
}
