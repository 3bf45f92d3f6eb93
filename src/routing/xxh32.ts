const PRIME_1 = 0x9e3779b1
const PRIME_2 = 0x85ebca77
const PRIME_3 = 0xc2b2ae3d
const PRIME_4 = 0x27d4eb2f
const PRIME_5 = 0x165667b1

/**
 * The 32-bit xxHash of a byte string (character codes 0–255) as an unsigned integer, after the xxHash
 * specification 0.1.1, "XXH32 algorithm". `seed` is an unsigned 32-bit integer. Allocates nothing.
 */
export function xxh32(bytes: string, seed: number): number {
  const length = bytes.length
  let at = 0
  let hash: number
  if (length >= 16) {
    let a = (seed + PRIME_1 + PRIME_2) | 0
    let b = (seed + PRIME_2) | 0
    let c = seed | 0
    let d = (seed - PRIME_1) | 0
    for (; at <= length - 16; at += 16) {
      a = round(a, wordAt(bytes, at))
      b = round(b, wordAt(bytes, at + 4))
      c = round(c, wordAt(bytes, at + 8))
      d = round(d, wordAt(bytes, at + 12))
    }
    hash = rotateLeft(a, 1) + rotateLeft(b, 7) + rotateLeft(c, 12) + rotateLeft(d, 18)
  } else {
    hash = seed + PRIME_5
  }
  hash = (hash + length) | 0
  for (; at <= length - 4; at += 4) {
    hash = (hash + Math.imul(wordAt(bytes, at), PRIME_3)) | 0
    hash = Math.imul(rotateLeft(hash, 17), PRIME_4)
  }
  for (; at < length; at++) {
    hash = (hash + Math.imul(bytes.charCodeAt(at), PRIME_5)) | 0
    hash = Math.imul(rotateLeft(hash, 11), PRIME_1)
  }
  return avalanche(hash)
}

function round(lane: number, word: number): number {
  return Math.imul(rotateLeft((lane + Math.imul(word, PRIME_2)) | 0, 13), PRIME_1)
}

function avalanche(state: number): number {
  let hash = Math.imul(state ^ (state >>> 15), PRIME_2)
  hash = Math.imul(hash ^ (hash >>> 13), PRIME_3)
  return (hash ^ (hash >>> 16)) >>> 0
}

function wordAt(bytes: string, at: number): number {
  return (
    bytes.charCodeAt(at) |
    (bytes.charCodeAt(at + 1) << 8) |
    (bytes.charCodeAt(at + 2) << 16) |
    (bytes.charCodeAt(at + 3) << 24)
  )
}

function rotateLeft(word: number, bits: number): number {
  return (word << bits) | (word >>> (32 - bits))
}
