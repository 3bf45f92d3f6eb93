/** Draws from [0, 1). */
export type Random = () => number

/**
 * A small seeded generator: the same seed gives the same draws on every machine. For reproducible
 * demo traffic, not for secrets.
 *
 * Mulberry32 (T. Ettinger, public domain): a 32-bit counter through a bit mixer, period 2³².
 */
export function createRandom(seed: number): Random {
  let state = seed | 0
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
