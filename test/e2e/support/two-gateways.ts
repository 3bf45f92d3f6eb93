import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import { readSample } from './admin-api.ts'
import { buildConfig, type ServiceParts } from './config.ts'
import { startSerin, writeConfig, type SerinGateway } from './serin-process.ts'
import { until } from './until.ts'

type Place = {
  readonly folder: string
  readonly store: string
  /** Both read one file, so that nothing of what they are told differs. */
  readonly sameFile?: boolean
}

/** Starts two gateways with the service `m` on one store, below `folder`; the first one decides, and both are known. */
export async function startTwoGateways(
  t: Test,
  m: ServiceParts,
  { folder, store, sameFile = false }: Place,
): Promise<{ readonly first: SerinGateway; readonly second: SerinGateway }> {
  const start = (name: string) => {
    const place = sameFile ? folder : join(folder, name)
    mkdirSync(place, { recursive: true })
    return startSerin(t, writeConfig(place, buildConfig(place, { m }, { store })))
  }
  const first = await start('first')
  await until('it decides', async () => (await readSample(first.admin, 'serin_leader')) === 1)
  const second = await start('second')
  await until('both are known', async () => (await readSample(first.admin, 'serin_replicas')) === 2)
  return { first, second }
}
