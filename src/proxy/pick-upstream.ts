import type { Upstream } from './upstream.ts'
import type { VariantTarget } from './variant-target.ts'

/**
 * The upstream for an attempt: the less loaded of two taken at random ("power of two choices": Mitzenmacher,
 * The Power of Two Choices in Randomized Load Balancing, 2001), of those that are available. `draw`: uniform
 * in [0, 1); not called for a single upstream. `avoid`: the one that was tried before.
 *
 * Where none is available: one that is only ejected, for somebody has to answer, and the one that was tried before
 * if there is no other; where the checks of all fail, null if they are health checks of the model's own, and any one if they only tried to connect
 * (the attempt will tell more precisely what is wrong).
 */
export function pickUpstream(
  target: VariantTarget,
  draw: () => number,
  now: number,
  avoid: Upstream | null = null,
): Upstream | null {
  const { upstreams } = target
  if (upstreams.length === 1) {
    const only = upstreams[0]!
    return only.health === 'down' && target.variant.health !== null ? null : only
  }
  const one = upstreams[indexOf(draw(), upstreams.length)]!
  const two = pickOther(upstreams, one, draw())
  const first = one !== avoid && one.isAvailable(now)
  const second = two !== avoid && two.isAvailable(now)
  if (first && second) return lessLoaded(one, two, draw, now)
  if (first || second) return first ? one : two
  return pickAmong(candidates(target, now, avoid), draw)
}

function lessLoaded(one: Upstream, two: Upstream, draw: () => number, now: number): Upstream {
  // In its slow start an upstream is passed over with the share that it does not get yet.
  const shareOne = one.share(now)
  const shareTwo = two.share(now)
  if (shareOne < 1 && draw() >= shareOne) return two
  if (shareTwo < 1 && draw() >= shareTwo) return one
  return two.inFlight < one.inFlight ? two : one
}

function candidates(
  { upstreams, variant }: VariantTarget,
  now: number,
  avoid: Upstream | null,
): readonly Upstream[] {
  const others = upstreams.filter((u) => u !== avoid)
  const available = others.filter((u) => u.isAvailable(now))
  if (available.length > 0) return available
  const ejected = others.filter((u) => u.health !== 'down')
  if (ejected.length > 0) return ejected
  if (avoid !== null && avoid.health !== 'down') return [avoid]
  return variant.health === null ? others : []
}

function pickAmong(upstreams: readonly Upstream[], draw: () => number): Upstream | null {
  return upstreams.length === 0 ? null : upstreams[indexOf(draw(), upstreams.length)]!
}

/** Another one than `one`, so that two different ones are compared. */
function pickOther(upstreams: readonly Upstream[], one: Upstream, draw: number): Upstream {
  const index = indexOf(draw, upstreams.length - 1)
  const other = upstreams[index]!
  return other === one ? upstreams[upstreams.length - 1]! : other
}

function indexOf(draw: number, length: number): number {
  return Math.floor(draw * length)
}
