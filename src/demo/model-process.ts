import { loadCars, splitCars, weighInKilograms } from './cars.ts'
import { createFault } from './fault.ts'
import type { FaultPlan } from './fault.ts'
import { createModelServer } from './model-server.ts'
import { createRandom } from './seeded-random.ts'
import { measureRmse, trainModel } from './train-model.ts'
import type { ModelKind } from './train-model.ts'

/** What a model process is told: one JSON argument. */
export type ModelProcessPlan = {
  readonly name: string
  readonly version: string
  readonly kind: ModelKind
  /** The serving side takes the weight for kilograms. */
  readonly skewed: boolean
  readonly fault: FaultPlan | null
  readonly dataFile: string
  readonly seed: number
}

/** What a model process tells its parent. Times in milliseconds since the epoch. */
export type ModelProcessMessage =
  /** Trained and listening. `offlineRmse`: on the held-out cars, with the features as they should be. */
  | { readonly type: 'ready'; readonly port: number; readonly offlineRmse: number }
  /** The first request that could not be answered. */
  | { readonly type: 'fault'; readonly at: number }

/**
 * The model is an artefact: it is the same whatever traffic a run's seed makes.
 */
const TRAINING_SEED = 1

// This file is the entry of a child process: it serves until its parent lets go of it.
await main(JSON.parse(process.argv[2]!) as ModelProcessPlan)

async function main(plan: ModelProcessPlan): Promise<void> {
  const { training, heldOut } = splitCars(await loadCars(plan.dataFile))
  const model = trainModel(plan.kind, training, TRAINING_SEED)
  const server = await createModelServer({
    name: plan.name,
    version: plan.version,
    model,
    featureCount: heldOut[0]!.features.length,
    serve: plan.skewed ? weighInKilograms : (features) => features,
    isOutOfOrder:
      plan.fault === null
        ? () => false
        : createFault(
            plan.fault,
            () => performance.now(),
            createRandom(plan.seed),
            () => tell({ type: 'fault', at: Date.now() }),
          ),
  })
  // Ctrl-C reaches the whole process group: the parent alone decides when this server ends.
  process.on('SIGINT', () => {})
  process.on('SIGTERM', () => void server.close().then(() => process.exit(0)))
  process.on('disconnect', () => process.exit(0))
  tell({ type: 'ready', port: server.port, offlineRmse: measureRmse(model, heldOut) })
}

function tell(message: ModelProcessMessage): void {
  process.send?.(message)
}
