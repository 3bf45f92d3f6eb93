import { CANARY_SIDE } from '../../../src/domain/cohort.ts'
import { beta } from '../deviates.ts'
import { limitedKeys } from '../limited-keys.ts'
import type { Scenario } from '../scenario.ts'

const MAX = 0.05
const AS_REQUESTS = 'every request a unit'

/** An absolute limit where few keys make most of the requests, and fail more or less often than others. */
export function limitsOfKeys(): Scenario[] {
  const alike = [0.1, 0.3].map((icc) => ({
    name: `limit-keys-${icc}`,
    title: `500 keys by Zipf's law, correlation of ${icc} within a key, errors at 2 % under \`max: 5%\`, 20 % canary`,
    question: 'false-rollback' as const,
    rollouts: [400, 20] as const,
    promises: { serin: 0.01 },
    canary: 0.02,
    icc,
  }))
  const worse = [0.1, 0.25, 1].map((canary) => ({
    name: `limit-keys-worse-${canary}`,
    title: `500 keys by Zipf's law, errors of the canary at ${canary * 100} % under \`max: 5%\`, 20 % canary`,
    question: 'detection' as const,
    rollouts: [400, 20] as const,
    canary,
    icc: 0,
  }))
  return [...alike, ...worse].map(({ icc, canary, ...scenario }): Scenario => ({
    ...scenario,
    run: (random) => {
      const setting = { keys: 500, skew: 1, pi: 0.2, max: MAX }
      const pace = { requestsPerSecond: 100, seconds: 600 }
      const { byKey, byRequest } = limitedKeys(random, {
        ...setting,
        ...pace,
        rate: (draw, side) => {
          const mean = side === CANARY_SIDE ? canary : 0.02
          const shape = 1 / icc - 1
          return icc === 0 ? mean : beta(draw, mean * shape, (1 - mean) * shape)
        },
      })
      // Of both sides, as everywhere in the report.
      const ofBoth = (requests: number | null) =>
        requests === null ? null : Math.round(requests / setting.pi)
      return { serin: ofBoth(byKey), [AS_REQUESTS]: ofBoth(byRequest) }
    },
  }))
}
