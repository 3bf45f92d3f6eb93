import { ALIKE, type Difference } from './difference.ts'

/** How a canary differs that is exactly at the margin of a metric of a kind (`proof`, and `floor`), and one that is far beyond it. */
export function differencesOf(
  kind: string,
  higher: boolean,
  proof: number,
  floor: number,
): readonly [Difference, Difference] {
  const times = higher ? 1 - proof : 1 + proof
  const far = higher ? 0.3 : 3
  switch (kind) {
    case 'error-rate':
      return [
        { ...ALIKE, failing: [times, floor] },
        { ...ALIKE, failing: [5, 0.03] },
      ]
    case 'latency':
      return [
        { ...ALIKE, latency: times },
        { ...ALIKE, latency: 4 },
      ]
    case 'accuracy':
      return [
        { ...ALIKE, right: times },
        { ...ALIKE, right: 0.3 },
      ]
    case 'conversion':
      return [
        { ...ALIKE, buying: [times, floor] },
        { ...ALIKE, buying: [far, 0] },
      ]
    case 'ratio':
      return [
        { ...ALIKE, clicking: times },
        { ...ALIKE, clicking: far },
      ]
    case 'sum':
    case 'mean':
    case 'tokens':
      return [
        { ...ALIKE, amounts: times },
        { ...ALIKE, amounts: far },
      ]
    default:
      return [
        { ...ALIKE, errors: times },
        { ...ALIKE, errors: 2.5 },
      ]
  }
}
