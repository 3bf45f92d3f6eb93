import type { GivenRates } from '../rollout/given-rates.ts'
import type { GivenShares } from '../rollout/segment-share.ts'
import type { Traffic } from '../rollout/traffic.ts'

/** Traffic as it is given, not observed: per second; shares and changes as fractions. */
export type GivenTraffic = {
  readonly rps: number
  readonly errorRate?: number
  readonly rates?: GivenRates | undefined
  /** Of segments. */
  readonly shares?: GivenShares | undefined
  readonly regression?: number
}

/** The same as what a forecast is made from: nothing of it is known from evidence. */
export function givenTraffic({ rps, errorRate, rates, shares }: GivenTraffic): Traffic {
  return {
    ...{ unitsPerSecond: rps, from: 'given', errorRate: errorRate ?? null, rates },
    segmentShares: shares,
    ...{ evidence: null, exceedance: null },
  }
}
