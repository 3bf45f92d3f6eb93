/** Compares forwarders side by side. Options and method stand in bench/README.md. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { FLOOR, type Measure } from './contenders.ts'
import { describeMachine } from './describe-machine.ts'
import { createCoreSleeper } from './load/core-sleeper.ts'
import { createOpenLoopDriver, type OpenLoopDriver } from './load/open-loop-driver.ts'
import { createCostBurst } from './measure/cost-burst.ts'
import { measureCost } from './measure/cost.ts'
import { findKeptRate } from './measure/find-kept-rate.ts'
import { measureLatency } from './measure/latency.ts'
import { measureMemory } from './measure/memory.ts'
import { measureRateCost } from './measure/rate-cost.ts'
import { measureStreams } from './measure/streams.ts'
import { warmUp } from './measure/warm-up.ts'
import { readOptions } from './options.ts'
import { Processes } from './processes.ts'
import { requirePrograms } from './programs.ts'
import { buildComparison } from './report/build-comparison.ts'
import { buildTables } from './report/build-tables.ts'
import type { Comparison, Report } from './report/figures.ts'
import { renderText } from './report/render-table.ts'
import { CONTENDER_CORE, LOAD_CORE, openStage, type Stage, type StageDeps } from './stage.ts'

/** npm starts scripts in the project's folder. */
const root = process.cwd()
const options = readOptions(process.argv.slice(2))
const { work, rounds, seconds, measures, contendersOf } = options
const has = (measure: (typeof measures)[number]) => measures.includes(measure)

const programs = measures.flatMap((measure) => contendersOf(measure).map(({ program }) => program))
requirePrograms([
  ...new Set(['taskset', 'wrk', 'nginx', ...programs.filter((name) => name !== undefined)]),
])
if (availableParallelism() < 2) {
  throw new Error('the benchmark needs two cores: one is the contender’s')
}

const scratch = mkdtempSync(join(tmpdir(), 'serin-bench-'))
const processes = new Processes()
process.once('exit', () => rmSync(scratch, { recursive: true, force: true }))
const deps: StageDeps = { processes, root, scratch }
// Before this process has only one core.
const machine = describeMachine(root)
// What is written here is no load, but it needs a core as well.
await processes.run({
  command: ['taskset', '-acp', String(LOAD_CORE), String(process.pid)],
  core: LOAD_CORE,
})

let report: Report = {
  at: new Date().toISOString(),
  machine,
  settings: {
    work: work.name,
    rounds,
    latencyRounds: options.latencyRounds,
    otherRounds: options.fewerRounds,
    seconds,
    connections: work.connections,
    warmUpRequests: options.warmUp.requests,
  },
}
if (has('cost')) keep(await compare())
if (has('services')) keep({ services: await compareServices() })
if (has('workers')) keep(await compareWorkers())
if (has('streams')) keep({ streams: await watchStreams() })
if (has('memory')) keep({ memory: await watchMemory() })
console.log(`\n${buildTables(report).map(renderText).join('\n\n')}`)

/** Written after each measure: what the next one meets must not cost the others. */
function keep(part: Partial<Report>): void {
  report = { ...report, ...part }
  if (options.jsonFile !== null) {
    writeFileSync(options.jsonFile, `${JSON.stringify(report, null, 2)}\n`)
  }
}

async function compare(): Promise<Partial<Report>> {
  return onStage('cost', async (stage, driver) => {
    const comparison = await compareOn(stage, rounds)
    if (!has('latency')) return comparison
    const saturation = saturationOf(comparison)
    const { latencyRounds, percents } = options
    const order = { work: work.name, connections: work.connections, seconds }
    const wanted = (Math.max(...saturation.values()) * Math.max(...percents)) / 100
    const direct = { ...order, port: stage.upstreamPort }
    const mostPerSecond = await findKeptRate(driver, direct, wanted, console.log)
    const plan = { ...order, rounds: latencyRounds, percents, saturation, mostPerSecond }
    const sleeper = createCoreSleeper(processes, CONTENDER_CORE)
    const latency = await measureLatency(stage, { driver, sleeper }, plan, console.log)
    await sleeper.close()
    const { priority } = driver
    return { ...comparison, driver: { priority, keptPerSecond: mostPerSecond }, latency }
  })
}

function compareServices(): Promise<Comparison> {
  return onStage('services', (stage) => compareOn(stage, options.fewerRounds))
}

function compareWorkers(): Promise<Partial<Report>> {
  return onStage('workers', async (stage, driver) => {
    const { fewerRounds } = options
    const workers = await compareOn(stage, fewerRounds)
    const plan = { work, rounds: fewerRounds, saturation: saturationOf(workers) }
    // The floor has no workers.
    const compared = stage.running.filter(({ contender }) => contender.name !== FLOOR)
    return { workers, workersAtRate: await measureRateCost(compared, driver, plan, console.log) }
  })
}

async function onStage<T>(
  measure: Measure,
  run: (stage: Stage, driver: OpenLoopDriver) => Promise<T>,
): Promise<T> {
  const stage = await openStage(deps, contendersOf(measure), work)
  const driver = createOpenLoopDriver(processes, LOAD_CORE)
  try {
    return await run(stage, driver)
  } finally {
    await driver.close()
    await stage.close()
  }
}

async function compareOn(stage: Stage, rounds: number): Promise<Comparison> {
  const burst = createCostBurst(stage, seconds)
  await warmUp(stage.running, burst, options.warmUp, console.log)
  return buildComparison(await measureCost(stage.running, burst, rounds, console.log))
}

function saturationOf({ contenders }: Comparison): ReadonlyMap<string, number> {
  return new Map(Object.entries(contenders).map(([name, of]) => [name, of.requestsPerSecond]))
}

function watchStreams(): Promise<NonNullable<Report['streams']>> {
  const { streamRounds, streams } = options
  const plan = { rounds: streamRounds, streams }
  return measureStreams(deps, contendersOf('streams'), plan, console.log)
}

function watchMemory(): Promise<NonNullable<Report['memory']>> {
  return measureMemory(deps, contendersOf('memory'), work, options.memoryRequests, console.log)
}
