import type { MirrorSpec, Service } from '../domain/service.ts'
import type { MirrorBook } from '../metrics/mirror-book.ts'
import type { Upstream } from './upstream.ts'
import { pickUpstream } from './pick-upstream.ts'
import type { VariantTarget } from './variant-target.ts'

/** A mirror of one service, as it runs. */
export type Mirror = {
  readonly spec: MirrorSpec
  readonly service: Service
  readonly target: VariantTarget
  readonly book: MirrorBook
}

/**
 * The mirrors of a service, and with them that of its rollout's step where it is in one; null = none, which
 * is all that its requests have to ask.
 */
export function buildMirrors(
  service: Service,
  targets: ReadonlyMap<string, VariantTarget>,
  books: ReadonlyMap<string, MirrorBook>,
  step: MirrorSpec | null = null,
): readonly Mirror[] | null {
  const specs = step === null ? service.mirrors : [...service.mirrors, step]
  if (specs.length === 0) return null
  return specs.map((spec) => ({
    spec,
    service,
    target: targets.get(spec.to)!,
    book: books.get(spec.to)!,
  }))
}

/**
 * Whether another copy would be too much: for the mirror itself, or for the variant, whose `maxInFlight`
 * holds for requests and copies together. Copies do not stand at the variant's door: a request never
 * waits for one.
 */
export function isBusy({ book, target }: Mirror, mostInFlight: number): boolean {
  const { maxInFlight } = target.variant
  if (book.inFlight >= mostInFlight) return true
  return maxInFlight !== null && target.admission.inFlight + book.inFlight >= maxInFlight
}

/**
 * The upstream that gets a copy, picked as for a request; null when none is well. A request has to try
 * one all the same, because somebody waits for it; a copy has not.
 */
export function pickForCopy({ target }: Mirror, draw: () => number, now: number): Upstream | null {
  const isWell = target.upstreams.some((upstream) => upstream.isAvailable(now))
  return isWell ? pickUpstream(target, draw, now) : null
}
