/**
 * Units of the configuration and their one reading: durations in milliseconds, sizes in bytes,
 * shares as fractions of 1, weights in basis points (1 % = 100).
 */

/** Basis points in a whole: weights of a service always sum to this. */
export const WHOLE_BP = 10_000

const DURATION_MS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
}

/** Later than so far ahead nothing has a date (ECMA-262, time values end at 8.64e15 ms): who writes more means never. */
const LONGEST_MS = 1e15

const SIZE_BYTES: Readonly<Record<string, number>> = {
  B: 1,
  KiB: 1024,
  MiB: 1024 ** 2,
  GiB: 1024 ** 3,
}

/**
 * Reads `250ms`, `5s`, `10m`, `24h`, `7d` (a bare `0` too) as milliseconds, at most 31,000 years; null when it is none of
 * these.
 */
export function parseDuration(text: string): number | null {
  const ms = parseQuantity(text, DURATION_MS)
  return ms === null ? null : Math.min(ms, LONGEST_MS)
}

/** Reads `512B`, `64KiB`, `64MiB`, `2GiB` (a bare `0` too) as bytes; null when it is none of these. */
export function parseSize(text: string): number | null {
  const bytes = parseQuantity(text, SIZE_BYTES)
  return bytes === null ? null : Math.round(bytes)
}

/** Reads `5%` or `0.1%` as a fraction of 1 (0.05, 0.001); null when it is not a percentage. */
export function parsePercent(text: string): number | null {
  const match = /^(\d+(?:\.\d+)?)%$/.exec(text)
  // Division by 100 keeps 0.1 % at the double nearest to 0.001.
  return match === null ? null : Number(match[1]) / 100
}

/** Writes milliseconds in the largest unit that leaves a whole number: `90000` becomes `90s`. */
export function formatDuration(ms: number): string {
  const unit = Object.entries(DURATION_MS)
    .reverse()
    .find(([, size]) => ms >= size && ms % size === 0)
  return unit === undefined ? `${ms}ms` : `${ms / unit[1]}${unit[0]}`
}

/** Basis points as percent: 500 is 5. */
export function bpToPercent(weightBp: number): number {
  return weightBp / 100
}

/** A fraction of 1 in basis points, rounded: 0.05 is 500. */
export function fractionToBp(fraction: number): number {
  return Math.round(fraction * WHOLE_BP)
}

function parseQuantity(text: string, units: Readonly<Record<string, number>>): number | null {
  if (text === '0') return 0
  const match = /^(\d+(?:\.\d+)?)([A-Za-z]+)$/.exec(text)
  if (match === null || !Object.hasOwn(units, match[2]!)) return null
  return Number(match[1]) * units[match[2]!]!
}
