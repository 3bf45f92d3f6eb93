import type { Service } from '../domain/service.ts'
import { BASELINE } from '../domain/variant.ts'
import { toDecimal } from './decimal.ts'
import { buildCoin, pickByDraw, pickByKey, type Coin } from './rendezvous.ts'

/** How weights decide: by the hash of a key, or by the key's own value, or by a draw. */
export type Toss = {
  /** The variants with a weight. */
  readonly coin: Coin
  /**
   * The same in the order in which they cut the interval from 0 to 1: the baseline last, so that a value
   * below the canary's weight is the canary's. Null: a key decides by its hash.
   */
  readonly cut: Coin | null
}

/** Prepares how these weights (of every variant, in basis points) decide in a service. */
export function buildToss(
  service: Service,
  weightsBp: Readonly<Record<string, number>>,
  salt: string,
): Toss {
  const coin = buildCoin(service.name, weightsBp, salt)
  if (service.split.coin !== 'value') return { coin, cut: null }
  const isBaseline = ({ name }: { readonly name: string }) => name === BASELINE
  return { coin, cut: [...coin.filter((c) => !isBaseline(c)), ...coin.filter(isBaseline)] }
}

/**
 * The number that a key's own text is, where that is to decide: from 0 to 1, in decimal notation. Null where a
 * key decides by its hash, or where the text is no such number, so that its hash has to.
 */
export function coinValue({ cut }: Toss, key: string | null): number | null {
  if (cut === null || key === null) return null
  const value = toDecimal(key)
  return value >= 0 && value <= 1 ? value : null
}

/** The variant of a request by its coin's value, else by its key, else by a draw, which is asked for then alone. */
export function pick(
  { coin, cut }: Toss,
  key: string | null,
  value: number | null,
  draw: () => number,
): string {
  if (value !== null) return pickByDraw(cut!, value)
  return key === null ? pickByDraw(coin, draw()) : pickByKey(coin, key)
}
