import { createModelServer } from '../../src/demo/model-server.ts'
import type { ModelProcessPlan } from '../../src/demo/model-process.ts'

/** Stands where a model process would, without training: predicts 20 for every car. */
export async function runStubModel(argv: readonly string[]): Promise<void> {
  const { name, version } = JSON.parse(argv.at(-1)!) as ModelProcessPlan
  const server = await createModelServer({
    name,
    version,
    model: { predict: () => 20 },
    featureCount: 8,
    serve: (features) => features,
    isOutOfOrder: () => false,
  })
  process.on('SIGINT', () => {})
  process.on('disconnect', () => process.exit(0))
  process.send!({ type: 'ready', port: server.port, offlineRmse: 3 })
}
