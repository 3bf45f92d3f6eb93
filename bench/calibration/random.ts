/** Draws from the open interval (0, 1). */
export type Random = () => number

/**
 * The stream of draws that a name stands for: the same name gives the same draws on every machine, and
 * different names streams that have nothing to do with each other, so that each rollout has its own.
 *
 * xoshiro128** 1.1 (Blackman and Vigna, ACM Transactions on Mathematical Software 47, 2021), period
 * 2¹²⁸ − 1. The demo's generator has a period of 2³², which a run of millions of requests wraps around.
 */
export function createStream(name: string): Random {
  const state = Uint32Array.from([1, 2, 3, 4], (word) => hash(`${word} ${name}`))
  const next = (): number => {
    const result = Math.imul(rotate(Math.imul(state[1]!, 5), 7), 9) >>> 0
    const shifted = state[1]! << 9
    state[2]! ^= state[0]!
    state[3]! ^= state[1]!
    state[1]! ^= state[2]!
    state[0]! ^= state[3]!
    state[2]! ^= shifted
    state[3] = rotate(state[3]!, 11)
    return result
  }
  // 53 bits, and a half of the last one: neither 0 nor 1, of which logarithms are infinite.
  return () => ((next() >>> 5) * 2 ** 26 + (next() >>> 6) + 0.5) / 2 ** 53
}

function rotate(word: number, bits: number): number {
  return (word << bits) | (word >>> (32 - bits))
}

/** FNV-1a, and the finalizer of MurmurHash3 so that close names are far apart. */
function hash(text: string): number {
  let mixed = 0x811c9dc5
  for (const character of text) mixed = Math.imul(mixed ^ character.codePointAt(0)!, 0x01000193)
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b)
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35)
  return mixed ^ (mixed >>> 16)
}
