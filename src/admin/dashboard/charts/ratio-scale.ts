/** What a chart of a ratio has to show; moments in their order, null = not known. */
export type RatioSeen = {
  readonly estimates: readonly (number | null)[]
  /** The interval's ends; without bound: a huge number. */
  readonly lower: readonly (number | null)[]
  readonly upper: readonly (number | null)[]
  /** The ratio that is held against: 1.05 for 5 % more, 0.95 for 5 % less. */
  readonly margin: number
}

/** The newest interval is shown whole up to this ratio: beyond, it says only that little is known. */
const WIDEST = 4
/** Up to so far from 1 both ways look alike. */
const ALIKE = 2

/**
 * The ends of the axis of a ratio: 1, the margin, the whole line and the newest interval lie within (of that, at
 * most a ratio of 4). Earlier intervals may go beyond. Symmetric in the logarithm around 1 while all of it lies
 * between a half and double.
 */
export function scaleOfRatio(seen: RatioSeen): readonly [low: number, high: number] {
  const far = Math.max(seen.margin, 1 / seen.margin, 1.04) - 1
  const estimates = seen.estimates.filter((value) => value !== null)
  const lower = seen.lower.filter((value) => value !== null)
  const upper = seen.upper.filter((value) => value !== null)
  const low = Math.min(
    1 / (1 + 1.6 * far),
    ...estimates,
    lower.at(-1) ?? 1,
    Math.max(1 / (1 + 4 * far), Math.min(1, ...lower)),
  )
  const high = Math.max(
    1 + 1.6 * far,
    ...estimates,
    Math.min(WIDEST, upper.at(-1) ?? 1),
    Math.min(1 + 4 * far, Math.max(1, ...upper)),
  )
  const room = 0.04 * (high - low)
  const [least, most] = [Math.max(0, low - room), high + room]
  const widest = Math.max(most, least === 0 ? Infinity : 1 / least)
  return widest <= ALIKE ? [1 / widest, widest] : [least, most]
}
