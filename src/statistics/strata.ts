import type { EventStratum } from '../domain/evidence.ts'

/** The strata with a cohort's events more, in that of its weight. */
export function addEvents(
  strata: readonly EventStratum[],
  pi: number,
  baseline: number,
  canary: number,
  units: number,
): readonly EventStratum[] {
  const at = placeOf(strata, pi)
  const before = strata[at] ?? NO_EVENTS
  return withStratum(strata, at, {
    pi,
    baseline: before.baseline + baseline,
    canary: before.canary + canary,
    trials: before.trials + units,
  })
}

/** The strata of two disjoint sets of cohorts together. */
export function addStrata(
  a: readonly EventStratum[],
  b: readonly EventStratum[],
): readonly EventStratum[] {
  return b.reduce(
    (all, { pi, baseline, canary, trials }) => addEvents(all, pi, baseline, canary, trials),
    a,
  )
}

const NO_EVENTS = { baseline: 0, canary: 0, trials: 0 }

/** The strata with that of one weight renewed, or begun. */
export function updateStratum<S extends { readonly pi: number }>(
  strata: readonly S[],
  pi: number,
  update: (stratum: S | undefined) => S,
): readonly S[] {
  const at = placeOf(strata, pi)
  return withStratum(strata, at, update(strata[at]))
}

/** Where the stratum of a weight is, or will be. */
function placeOf(strata: readonly { readonly pi: number }[], pi: number): number {
  let at = 0
  while (at < strata.length && strata[at]!.pi !== pi) at += 1
  return at
}

function withStratum<S>(strata: readonly S[], at: number, stratum: S): readonly S[] {
  const updated = strata.slice()
  updated[at] = stratum
  return updated
}
