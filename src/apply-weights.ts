import type { RolloutState } from './domain/rollout-state.ts'
import { mirrorsOf, splitOf, type LiveServices } from './live-services.ts'
import type { DecisionSeed } from './rollout/transition.ts'
import type { LastWeights } from './store/last-weights.ts'

/** Gives the data plane weights, for every assignment from then on. */
export type ApplyWeights = {
  /** Those of a rollout; this disk remembers them, with the rollback that is `unstored` where one is. */
  readonly apply: (state: RolloutState, unstored: DecisionSeed | null) => void
  /** All of a fixed split's traffic for one variant, null = the weights of the file; this disk remembers it. */
  readonly applyWinner: (service: string, winner: string | null) => void
  /** The same, of what is remembered. */
  readonly applyRemembered: (service: string, winner: string) => void
}

/**
 * What is applied to the services as they are at the time. What has gone from the configuration and owes the store
 * something applies to nothing, least of all to what has taken its place.
 */
export function createApplyWeights(
  live: () => LiveServices,
  lastWeights: LastWeights,
): ApplyWeights {
  const giveWinner = (service: string, winner: string | null) => {
    const runtime = live().snapshot.runtimes.get(service)
    if (runtime !== undefined) runtime.split = splitOf(runtime.service, null, winner)
  }
  return {
    apply: (state, unstored) => {
      const { snapshot, books } = live()
      const runtime = snapshot.runtimes.get(state.service)
      if (runtime === undefined || runtime.service.rollout === null) return
      const { service, targets } = runtime
      runtime.split = splitOf(service, state, null)
      runtime.mirrors = mirrorsOf(service, targets, books.get(state.service)!, state)
      lastWeights.keepRollout(state, unstored)
    },
    applyWinner: (service, winner) => {
      const plan = live().experiments.get(service)
      if (plan === undefined) return
      giveWinner(service, winner)
      if (winner === null) return lastWeights.keepWinner(service, null)
      const { fingerprint, versions } = plan
      const kept = { variant: winner, version: versions[winner]!, steps: fingerprint.steps }
      lastWeights.keepWinner(service, kept)
    },
    applyRemembered: giveWinner,
  }
}
