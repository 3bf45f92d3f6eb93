import type { Cohort, Side } from '../domain/cohort.ts'

/** Counts a unit that was drawn; `observed`: its prediction will be looked at. */
export function countUnit(
  cohort: Cohort,
  side: Side,
  segment: string | null,
  observed: boolean,
): void {
  const ofSegment = segment === null ? undefined : cohort.segments?.[segment]
  for (const units of ofSegment === undefined ? [cohort] : [cohort, ofSegment]) {
    units.assigned[side]++
    if (observed) units.observed[side]++
  }
}
