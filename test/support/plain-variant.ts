import type { Variant } from '../../src/domain/variant.ts'

/** What a variant has when its configuration says nothing about it, beside its timeouts. */
export const PLAIN_VARIANT = {
  path: null,
  health: null,
  maxInFlight: null,
  queue: null,
  eject: null,
  slowStartMs: 0,
  tls: null,
} satisfies Partial<Variant>
