import type { Test } from 'tap'
import { readSample } from './admin-api.ts'
import { buildConfig, buildRolloutService } from './config.ts'
import { startModel } from './model-server.ts'
import { seeded } from './seeded.ts'
import { startSerin, writeConfig, type SerinGateway } from './serin-process.ts'
import { until } from './until.ts'

/** A rollout that begins when told to, and stays at 20 %. */
export const BY_HAND = {
  start: 'manual',
  steps: [{ weight: '20%', minDuration: '1h' }, { weight: '100%' }],
}

type Setup = { readonly services?: object; readonly gateway?: object }

/** Starts a gateway of two workers with a service `m`; resolves when one decides and both have logged something. */
export async function startTwo(t: Test, { services = {}, gateway = {} }: Setup = {}) {
  const folder = t.testdir({})
  const draw = seeded(7)
  const baseline = await startModel(t, draw, { error: 1, failures: 0 })
  const canary = await startModel(t, draw, { error: 1, failures: 0 })
  const configAt = (minRequests: number) =>
    buildConfig(
      folder,
      {
        m: buildRolloutService(
          { baseline: baseline.origin, canary: canary.origin },
          {
            rollout: BY_HAND,
            analysis: {
              minRequests,
              metrics: { errors: { kind: 'error-rate', maxIncrease: '50%' } },
            },
          },
        ),
        ...services,
      },
      { gateway: { workers: 2, ...gateway } },
    )
  const file = writeConfig(folder, configAt(100))
  const serin = await startSerin(t, file)
  await until('one decides', async () => (await readSample(serin.admin, 'serin_leader')) === 1)
  await until('both are heard of', () =>
    [1, 2].every((worker) => serin.logs().some((line) => line['worker'] === worker)),
  )
  return { folder, draw, serin, configAt }
}

/** The process of a worker, by its newest log line. */
export function pidOf(serin: SerinGateway, worker: number): number {
  const line = serin.logs().findLast((l) => l['worker'] === worker && l['pid'] !== serin.pid)
  return line!['pid'] as number
}
