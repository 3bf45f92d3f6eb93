import type { Hypothesis } from '../domain/hypothesis.ts'
import type { Service } from '../domain/service.ts'
import { toByteString } from '../routing/byte-string.ts'
import { xxh32 } from '../routing/xxh32.ts'

/**
 * What two replicas must agree on so that their shares of a cohort add up: which requests are drawn, what is
 * read from them, and what is asked. 16 hex digits; equal for equal configurations of the service.
 */
export function sharingKeyOf(
  { match, split, observe, failureStatuses, variants }: Service,
  hypotheses: readonly Hypothesis[],
): string {
  const { key, rules } = split
  const versions = variants.map(({ name, version }) => [name, version])
  const said = JSON.stringify([match, key, rules, observe, failureStatuses, versions, hypotheses])
  const bytes = toByteString(said)
  const digits = (seed: number) => xxh32(bytes, seed).toString(16).padStart(8, '0')
  return digits(0) + digits(1)
}
