import { parsePercent } from '../domain/units.ts'

/** A percentage that the schema let through, as a fraction of 1: `5%` is 0.05; a bare 0 is 0. */
export function toFraction(percentage: string | 0): number {
  return parsePercent(String(percentage)) ?? 0
}
