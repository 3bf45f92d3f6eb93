import type { FastifyBaseLogger } from 'fastify'
import type { Evaluator } from './evaluator/evaluator.ts'
import { experimentsOf, rolloutsOf, type LiveServices } from './live-services.ts'
import { logResumed } from './log-resumed.ts'
import type { Notifications } from './notifications.ts'
import type { PredictionExpiry } from './prediction-expiry.ts'

/** Has all services go on from the store, or begin there. Rejects with the first failure; then it may be tried again. */
export async function takeUpStored(
  live: LiveServices,
  parts: {
    readonly expiry: PredictionExpiry
    readonly notifications: Notifications
    readonly evaluator: Evaluator
    readonly log: FastifyBaseLogger
  },
): Promise<void> {
  const { expiry, notifications, evaluator, log } = parts
  await expiry.run()
  await notifications.follow(live.config.services)
  for (const rollout of rolloutsOf(live)) {
    await evaluator.add(rollout)
    logResumed(evaluator.view(rollout.plan.service)!, log)
  }
  for (const experiment of experimentsOf(live)) await evaluator.addExperiment(experiment)
}
