import type { FastifyBaseLogger } from 'fastify'
import type { ApplyWeights } from './apply-weights.ts'
import type { Config } from './config/config.ts'
import type { Evaluator } from './evaluator/evaluator.ts'
import type { Experiment, Rollout } from './evaluator/evaluator-deps.ts'
import type { WithoutStore } from './join-store.ts'
import { NO_LAST_WEIGHTS, openLastWeights, type LastWeights } from './store/last-weights.ts'
import { describeRedis } from './store/redis-address.ts'

/** The last weights that this replica keeps by itself: none beside LMDB, which lies on its disk already. */
export function keepLastWeights(
  { store, lastWeights }: Config,
  log: FastifyBaseLogger,
): LastWeights {
  if (store.engine === 'lmdb') return NO_LAST_WEIGHTS
  return openLastWeights(lastWeights, `${describeRedis(store)} ${store.prefix}`, log)
}

/**
 * Gives the services the weights that the disk remembers, without asking the store. What is remembered of
 * other versions, or of other weights of a fixed split, is nothing.
 */
export function serveLastWeights(
  rollouts: readonly Rollout[],
  experiments: readonly Experiment[],
  deps: {
    readonly lastWeights: LastWeights
    readonly evaluator: Pick<Evaluator, 'remember'>
    readonly apply: Pick<ApplyWeights, 'applyRemembered'>
    readonly log: Pick<FastifyBaseLogger, 'warn'>
  },
): WithoutStore {
  const { lastWeights, evaluator, apply, log } = deps
  let disk = 0
  for (const rollout of rollouts) {
    const { service } = rollout.plan
    const last = lastWeights.rollout(service)
    if (last === null) continue
    try {
      evaluator.remember(rollout, last, lastWeights.unstored(service))
      disk += 1
    } catch (error) {
      log.warn({ err: error, service }, 'the last weights do not go with the configuration')
    }
  }
  for (const { plan } of experiments) {
    const last = lastWeights.winner(plan.service)
    if (last === null || last.steps !== plan.fingerprint.steps) continue
    if (plan.versions[last.variant] !== last.version) continue
    apply.applyRemembered(plan.service, last.variant)
    disk += 1
  }
  return { disk, configuration: rollouts.length + experiments.length - disk }
}
