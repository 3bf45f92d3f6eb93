import { BASELINE_SIDE, type Side } from '../domain/cohort.ts'
import { BASELINE, CANARY } from '../domain/variant.ts'
import type { ServiceBook } from '../metrics/service-recorder.ts'
import type { VariantBook } from '../metrics/variant-book.ts'

/** The book of the variant on one side of the comparison. */
export function sideBook(book: ServiceBook, side: Side): VariantBook {
  return book.variants.get(side === BASELINE_SIDE ? BASELINE : CANARY)!
}
