import { isMeasurable } from '../domain/measurable.ts'
import type { RequestFields } from './fields.ts'

/**
 * The numbers of a request at pointers into its body; those that are absent, unreadable or too large to be
 * measured are left out. Null where no pointer is watched.
 */
export function readNumbers(
  pointers: readonly string[],
  fields: RequestFields,
): ReadonlyMap<string, number> | null {
  if (pointers.length === 0) return null
  const numbers = new Map<string, number>()
  for (const pointer of pointers) {
    const text = fields.body(pointer)
    const value = text === null || text.trim() === '' ? NaN : Number(text)
    if (isMeasurable(value)) numbers.set(pointer, value)
  }
  return numbers
}
