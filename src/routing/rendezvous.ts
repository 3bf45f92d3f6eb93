import { toByteString } from './byte-string.ts'
import { xxh32 } from './xxh32.ts'

const UNIT_SEED_HIGH = 0x9e3779b1
const UNIT_SEED_LOW = 0x85ebca77

/** A variant that may be drawn, with what its score needs computed in advance. */
export type Contender = {
  readonly name: string
  /** Above 0. Only the proportions count. */
  readonly weightBp: number
  /** XXH32 of `service/variant/salt`. */
  readonly seed: number
  /** 1 / weightBp. */
  readonly reciprocal: number
}

/** The variants with a weight above 0 (at least one), in the order that breaks ties: what a draw is made over. */
export type Coin = readonly Contender[]

/**
 * Prepares weighted rendezvous hashing over `weightsBp` (variant → basis points, at least one above 0). A
 * variant of weight 0 is left out: it never wins. Every `salt` makes a coin of its own: what one decides
 * about a key says nothing about another.
 */
export function buildCoin(
  service: string,
  weightsBp: Readonly<Record<string, number>>,
  salt: string,
): Coin {
  return Object.entries(weightsBp)
    .filter(([, weightBp]) => weightBp > 0)
    .map(([name, weightBp]) => ({
      name,
      weightBp,
      seed: xxh32(toByteString(`${service}/${name}/${salt}`), 0),
      reciprocal: 1 / weightBp,
    }))
}

/**
 * The variant that a key (a byte string) belongs to: the lowest score wins, the first of equals. P(variant) is
 * its share of the weights, and raising one weight moves keys only to that variant, since no other
 * score changes.
 */
export function pickByKey(coin: Coin, key: string): string {
  let winner = coin[0]!
  let lowest = score(winner, key)
  for (let index = 1; index < coin.length; index++) {
    const contender = coin[index]!
    const candidate = score(contender, key)
    if (candidate < lowest) {
      winner = contender
      lowest = candidate
    }
  }
  return winner.name
}

/**
 * −ln(u) / weight with u = (XXH32(key, seed) + ½) / 2³² in (0, 1): an exponential variate with the weight as
 * its rate, so the smallest of several is each one's with probability weight / Σ weights (weighted
 * rendezvous hashing: Thaler & Ravishankar 1998; logarithm method: Schindelhauer & Schomaker 2005).
 */
export function score(contender: Contender, key: string): number {
  return -Math.log((xxh32(key, contender.seed) + 0.5) / 0x1_0000_0000) * contender.reciprocal
}

/** The variant at `point` in [0, 1) when the weights are laid end to end. */
export function pickByDraw(coin: Coin, point: number): string {
  let total = 0
  for (const contender of coin) total += contender.weightBp
  const target = point * total
  let index = 0
  let reached = coin[0]!.weightBp
  // The bound of the last one keeps a product that rounds up to the total inside the list.
  while (index < coin.length - 1 && target >= reached) reached += coin[++index]!.weightBp
  return coin[index]!.name
}

/**
 * Names the unit behind a key (a byte string): an integer in [0, 2⁵³) from 21 and 32 bits of two XXH32 with
 * fixed seeds. Independent of service, rollout and weights, so a key is the same unit in every attempt.
 */
export function unitHash(key: string): number {
  // The prefix moves the second hash off the first one's four-byte words: two seeds over the same words
  // collide together (on 8-byte keys every other collision of one is a collision of the other).
  const high = xxh32(key, UNIT_SEED_HIGH) >>> 11
  return high * 0x1_0000_0000 + xxh32('/' + key, UNIT_SEED_LOW)
}
