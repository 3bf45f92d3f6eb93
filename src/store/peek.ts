import type { Evidence } from '../domain/evidence.ts'
import type { RolloutState } from '../domain/rollout-state.ts'
import { decodeRecord } from './record-codec.ts'

/** Of which service a store is asked, and of which version of its canary. */
export type Peek = { readonly service: string; readonly canaryVersion: string }

/** What a store knows of them. */
export type Peeked = {
  readonly state: RolloutState | null
  readonly evidence: Evidence | null
  /** When that version was rolled back last; null = never. */
  readonly rolledBackAt: number | null
}

/** What a store has to say, beside a gateway that may use it. */
export type PeekedStore = {
  /** Of those that were asked of, in their order. */
  readonly services: readonly Peeked[]
  /** It was written by an earlier version, which refuses it once this one has opened it. */
  readonly isEarlier: boolean
}

/** What a store knows of a service that it has not heard of. */
export const UNKNOWN: Peeked = { state: null, evidence: null, rolledBackAt: null }

/** A record that was found, decoded; null where there is none. */
export function decodeFound<T>(bytes: Uint8Array | null | undefined): T | null {
  return bytes === null || bytes === undefined ? null : decodeRecord<T>(bytes)
}
