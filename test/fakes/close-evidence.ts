/**
 * Equal but for the last digits of sums, which are added in another order, and for start points that nothing has
 * been folded since.
 */
export function areClose(found: unknown, wanted: unknown): boolean {
  if (typeof found === 'number' && typeof wanted === 'number') {
    return Math.abs(found - wanted) <= 1e-9 * Math.max(1, Math.abs(wanted))
  }
  if (typeof found !== 'object' || found === null) return found === wanted || isBlank(wanted)
  if (typeof wanted !== 'object' || wanted === null) return isBlank(found)
  const [a, b] = [found, wanted] as Record<string, unknown>[]
  return Object.keys({ ...a, ...b }).every((key) => areClose(a![key], b![key]))
}

/** Nothing was ever added to it. */
function isBlank(value: unknown): boolean {
  return Array.isArray(value) ? value.every(isBlank) : value === 0
}
