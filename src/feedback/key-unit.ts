import { toByteString } from '../routing/byte-string.ts'
import { unitHash } from '../routing/rendezvous.ts'

/** The unit behind a key as feedback writes it: the same that requests with this key have. */
export function keyUnit(key: string): number {
  return unitHash(toByteString(key))
}
