/** Compares forwarders side by side. Options and method stand in bench/README.md. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { describeMachine } from './describe-machine.ts'
import { createOpenLoopDriver } from './load/open-loop-driver.ts'
import { measureCost } from './measure/cost.ts'
import { measureLatency } from './measure/latency.ts'
import { measureMemory } from './measure/memory.ts'
import { measureStreams } from './measure/streams.ts'
import { readOptions } from './options.ts'
import { Processes } from './processes.ts'
import { requirePrograms } from './programs.ts'
import { buildComparison } from './report/build-comparison.ts'
import { buildTables } from './report/build-tables.ts'
import type { Comparison, Report } from './report/figures.ts'
import { renderText } from './report/render-table.ts'
import { LOAD_CORE, openStage, type StageDeps } from './stage.ts'

/** npm starts scripts in the project's folder. */
const root = process.cwd()
const options = readOptions(process.argv.slice(2))
const { work, rounds, seconds, warmUpRequests, measures, contendersOf } = options
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
    seconds,
    connections: work.connections,
    warmUpRequests,
  },
}
if (has('cost')) keep(await compare())
if (has('services')) keep({ services: await compareSome('services') })
if (has('workers')) keep({ workers: await compareSome('workers') })
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

async function compare(): Promise<Comparison & Pick<Report, 'latency'>> {
  const stage = await openStage(deps, contendersOf('cost'), work)
  const driver = createOpenLoopDriver(processes, LOAD_CORE)
  try {
    await stage.warmUp(warmUpRequests)
    const comparison = buildComparison(await measureCost(stage, { rounds, seconds }, console.log))
    if (!has('latency')) return comparison
    const saturation = new Map(
      Object.entries(comparison.contenders).map(([name, of]) => [name, of.requestsPerSecond]),
    )
    const plan = { work: work.name, rounds, seconds, percents: options.percents, saturation }
    return { ...comparison, latency: await measureLatency(stage, driver, plan, console.log) }
  } finally {
    await driver.close()
    await stage.close()
  }
}

async function compareSome(measure: 'services' | 'workers'): Promise<Comparison> {
  const stage = await openStage(deps, contendersOf(measure), work)
  try {
    await stage.warmUp(warmUpRequests)
    return buildComparison(await measureCost(stage, { rounds, seconds }, console.log))
  } finally {
    await stage.close()
  }
}

function watchStreams(): Promise<NonNullable<Report['streams']>> {
  const { streamRounds, streams } = options
  const plan = { rounds: streamRounds, streams }
  return measureStreams(deps, contendersOf('streams'), plan, console.log)
}

function watchMemory(): Promise<NonNullable<Report['memory']>> {
  return measureMemory(deps, contendersOf('memory'), work, options.memoryRequests, console.log)
}
