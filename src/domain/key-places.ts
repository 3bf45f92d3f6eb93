/**
 * Places that keys are dealt to, by their `unitHash`: to keep something of each place takes the same memory however many keys there
 * are. A multiple of 32, so that what has a bit for each place can have one for some of them.
 */
export const KEY_PLACES = 64

/**
 * What came of the requests whose keys are at one place: how many there were, and of how many what is asked is true. Fractions where
 * they fade.
 */
export type PlaceCount = readonly [place: number, trials: number, events: number]

/** Adds the counts of several processes place by place: a key has the same place everywhere. Places without any are left out. */
export function addPlaces(counts: readonly (readonly PlaceCount[])[]): readonly PlaceCount[] {
  const [first = [], ...others] = counts
  if (others.length === 0) return first
  const sums = new Map<number, [trials: number, events: number]>()
  for (const [place, trials, events] of counts.flat()) {
    const [n, found] = sums.get(place) ?? [0, 0]
    sums.set(place, [n + trials, found + events])
  }
  return Array.from(sums, ([place, [trials, events]]) => [place, trials, events])
}
