import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { buildAdminReader } from './admin-reader.ts'
import type { AdminReader } from './admin-reader.ts'
import { buildDemoConfig } from './build-demo-config.ts'
import type { Car } from './cars.ts'
import type { ChildProcesses } from './child-processes.ts'
import { FeedbackSender } from './feedback-sender.ts'
import { findFreePorts } from './free-ports.ts'
import type { ServiceResult } from './demo-result.ts'
import type { DemoPace, Scenario } from './scenario.ts'
import { createRandom } from './seeded-random.ts'
import { createTraffic } from './traffic.ts'
import type { Traffic } from './traffic.ts'

/** What a run needs on disk: entries of child processes, and the data. */
export type DemoFiles = {
  /** `main.js`: started as `node main.js serve -c <file>`. */
  readonly gatewayEntry: string
  readonly modelEntry: string
  readonly dataFile: string
}

/** Model servers and a gateway in front of them, all listening. */
export type Stage = {
  readonly gatewayUrl: string
  readonly adminUrl: string
  readonly configFile: string
  readonly admin: AdminReader
  readonly services: readonly StageService[]
}

/** One service of the stage, with the two models behind it. */
export type StageService = {
  readonly scenario: Scenario
  readonly offlineRmse: ServiceResult['offlineRmse']
  /** When the canary's server broke, in milliseconds since the epoch; null = it has not. */
  readonly readFaultAt: () => number | null
}

/** Users of every service, and what they told afterwards. */
export type Audience = {
  readonly traffic: ReadonlyMap<string, Traffic>
  readonly feedback: FeedbackSender
  /** Sends no more and resolves when every answer and every true value is in. */
  readonly close: () => Promise<void>
  /** Sends no more and drops what is under way: for a gateway that is going or gone. */
  readonly abandon: () => Promise<void>
}

/**
 * Starts two model servers per scenario and the gateway, with its configuration, store and log in
 * `folder`. Rejects when one of them does not come up, or when `signal` is aborted meanwhile; what was
 * started is the caller's to end (`children.close()`).
 */
export async function buildStage(options: {
  readonly scenarios: readonly Scenario[]
  readonly pace: DemoPace
  readonly seed: number
  readonly folder: string
  readonly files: DemoFiles
  readonly children: ChildProcesses
  readonly signal: AbortSignal
}): Promise<Stage> {
  const { scenarios, pace, folder, files, children, signal } = options
  const started = await Promise.all(
    scenarios.map((scenario) => startModels(scenario, files, options.seed, children)),
  )
  signal.throwIfAborted()
  const [dataPort, adminPort] = (await findFreePorts(2)) as [number, number]
  const storeFolder = join(folder, 'data')
  await mkdir(storeFolder)
  const configFile = join(folder, 'serin.yaml')
  const upstreams = started.map(({ upstreams: ports }) => ports)
  await writeFile(
    configFile,
    buildDemoConfig({ dataPort, adminPort, storeFolder, upstreams, pace }),
  )
  const logFile = join(folder, 'gateway.log')
  children.startNode('the gateway', [files.gatewayEntry, 'serve', '-c', configFile], logFile)
  const adminUrl = `http://127.0.0.1:${adminPort}`
  const admin = buildAdminReader(adminUrl)
  while (!(await admin.isReady())) await sleep(100, undefined, { signal })
  return {
    gatewayUrl: `http://127.0.0.1:${dataPort}`,
    adminUrl,
    configFile,
    admin,
    services: started.map(({ service }) => service),
  }
}

/** Lets users loose on every service of a stage. */
export function createAudience(
  stage: Stage,
  pace: DemoPace,
  cars: readonly Car[],
  seed: number,
): Audience {
  const monotonic = (): number => performance.now()
  const feedback = new FeedbackSender({
    origin: stage.adminUrl,
    delayMs: [300, 1000],
    batchMs: 200,
    random: createRandom(seed),
    monotonic,
  })
  const traffic = new Map(
    stage.services.map(({ scenario: { service } }, index) => [
      service,
      createTraffic({
        service,
        origin: stage.gatewayUrl,
        rate: pace.rate,
        cars,
        feedback,
        random: createRandom(seed + 1 + index),
        monotonic,
        idPrefix: `u${seed}-${index}`,
        limit: null,
      }),
    ]),
  )
  return {
    traffic,
    feedback,
    close: async () => {
      await Promise.all([...traffic.values()].map((users) => users.close()))
      await feedback.close()
    },
    abandon: async () => {
      await Promise.all([...traffic.values()].map((users) => users.abandon()))
      await feedback.abandon()
    },
  }
}

/** The end of a gateway's log, for somebody who wants to know why it did not come up or went away. */
export async function readLogTail(folder: string): Promise<string> {
  try {
    return (await readFile(join(folder, 'gateway.log'), 'utf8')).trimEnd().slice(-2000)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return ''
    throw error
  }
}

async function startModels(
  scenario: Scenario,
  files: DemoFiles,
  seed: number,
  children: ChildProcesses,
): Promise<{
  readonly service: StageService
  readonly upstreams: Parameters<typeof buildDemoConfig>[0]['upstreams'][number]
}> {
  const common = { name: scenario.service, dataFile: files.dataFile, seed }
  let faultAt: number | null = null
  const [baseline, canary] = await Promise.all([
    children.startModel(
      files.modelEntry,
      { ...common, version: '1.4', kind: 'linear', skewed: false, fault: null },
      () => {},
    ),
    children.startModel(
      files.modelEntry,
      { ...common, version: '2.0', ...scenario.canary },
      (at) => (faultAt = at),
    ),
  ])
  return {
    service: {
      scenario,
      offlineRmse: { baseline: baseline.offlineRmse, canary: canary.offlineRmse },
      readFaultAt: () => faultAt,
    },
    upstreams: {
      service: scenario.service,
      baselinePort: baseline.port,
      canaryPort: canary.port,
    },
  }
}
