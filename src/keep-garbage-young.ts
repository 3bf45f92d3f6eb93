import { setFlagsFromString } from 'node:v8'

/**
 * Has all objects of this process begin in the young generation. Call it before anything is hot.
 *
 * V8 remembers of each place in the code how many of its objects outlive a collection, and lets places with many
 * begin in the old generation (Clifford, Payer, Stanton & Titzer, "Memento Mori: Dynamic Allocation-Site-Based
 * Optimizations", ISMM 2015). A gateway's objects live as long as a request does: long enough to look old in a burst,
 * and garbage a moment later. Old garbage keeps alive what it points to, and so each collection of the young
 * generation copies all of a request instead of nothing. See docs/adr/0011-young-garbage.md.
 */
export function keepGarbageYoung(): void {
  setFlagsFromString('--no-allocation-site-pretenuring')
}
