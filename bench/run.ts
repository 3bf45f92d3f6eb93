/**
 * Compares forwarders side by side: `npm run bench -- --json FILE [--quick] [--seconds N] [--rounds N]
 * [--only NAME,NAME]`. The method stands in bench/README.md.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { availableParallelism, cpus, release, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { CONTENDERS, FLOOR, type Contender } from './contenders.ts'
import { cpuSeconds } from './cpu-time.ts'
import { requirePrograms, versionOf } from './programs.ts'
import { driveLoad, type Load } from './load.ts'
import { nginxUpstreamConfig } from './nginx-config.ts'
import { ANSWER_BODY } from './payload.ts'
import { startPinned } from './pinned-process.ts'
import { buildReport, renderReport, type Figures } from './report.ts'

const CONTENDER_CORE = 0
const LOAD_CORE = 1
const CONNECTIONS = 50
/** npm starts scripts in the project's folder. */
const root = process.cwd()

const { values: options } = parseArgs({
  options: {
    json: { type: 'string' },
    quick: { type: 'boolean', default: false },
    seconds: { type: 'string' },
    rounds: { type: 'string' },
    only: { type: 'string' },
  },
})
const seconds = Number(options.seconds ?? (options.quick ? 3 : 10))
const warmUpSeconds = Math.min(seconds, 3)
const rounds = Number(options.rounds ?? (options.quick ? 2 : 5))

requirePrograms(['taskset', 'wrk', 'nginx'])
if (availableParallelism() < 2)
  throw new Error('the benchmark needs two cores: one is the contender’s')

const contenders = chosenContenders(options.only)
const scratch = mkdtempSync(join(tmpdir(), 'serin-bench-'))
try {
  const upstreamPort = await freePort()
  const upstream = await startUpstream(upstreamPort)
  try {
    const runs = await runRounds(upstreamPort)
    const report = buildReport(runs)
    console.log(renderReport(report))
    if (options.json !== undefined) {
      const settings = { seconds, warmUpSeconds, rounds, connections: CONNECTIONS }
      writeFileSync(
        options.json,
        `${JSON.stringify({ at: new Date().toISOString(), machine: machine(), settings, ...report }, null, 2)}\n`,
      )
    }
  } finally {
    await upstream.close()
  }
} finally {
  rmSync(scratch, { recursive: true, force: true })
}

/** Every contender once a round, each time in a fresh process; every other round in reverse. */
async function runRounds(upstreamPort: number): Promise<Map<string, Figures[]>> {
  const runs = new Map<string, Figures[]>(contenders.map(({ name }) => [name, []]))
  for (let round = 1; round <= rounds; round++) {
    for (const contender of round % 2 === 1 ? contenders : contenders.toReversed()) {
      const figures = await runOnce(contender, upstreamPort)
      runs.get(contender.name)!.push(figures)
      console.log(
        `round ${round}/${rounds}  ${contender.name}: ${figures.cpuMicrosPerRequest.toFixed(1)} µs/request, ${figures.requestsPerSecond.toFixed(0)} requests/s`,
      )
    }
  }
  return runs
}

async function runOnce(contender: Contender, upstreamPort: number): Promise<Figures> {
  const port = await freePort()
  const folder = mkdtempSync(join(scratch, 'run-'))
  const { command, env, files } = contender.start({ root, port, upstreamPort, scratch: folder })
  for (const [name, text] of Object.entries(files ?? {})) writeFileSync(join(folder, name), text)
  const process = await startPinned({
    command,
    core: CONTENDER_CORE,
    port,
    marker: contender.marker,
    env: env ?? {},
  })
  try {
    const load: Load = {
      script: join(root, 'bench/post.lua'),
      core: LOAD_CORE,
      connections: CONNECTIONS,
      seconds,
    }
    await driveLoad(port, { ...load, seconds: warmUpSeconds })
    const before = cpuSeconds(process.pid)
    const result = await driveLoad(port, load)
    const used = cpuSeconds(process.pid) - before
    return {
      cpuMicrosPerRequest: (used * 1e6) / result.requests,
      requestsPerSecond: result.requests / result.seconds,
      p50Ms: result.p50Ms,
      p99Ms: result.p99Ms,
      coreBusy: used / result.seconds,
    }
  } finally {
    await process.close()
  }
}

async function startUpstream(port: number) {
  const folder = join(scratch, 'upstream')
  mkdirSync(folder)
  writeFileSync(join(folder, 'nginx.conf'), nginxUpstreamConfig(port, ANSWER_BODY))
  return startPinned({
    command: ['nginx', '-p', folder, '-c', join(folder, 'nginx.conf')],
    core: LOAD_CORE,
    port,
    marker: null,
  })
}

/** The floor is always among them: everything is a ratio to it. */
function chosenContenders(only: string | undefined): readonly Contender[] {
  if (only === undefined) return CONTENDERS
  const names = new Set([FLOOR, ...only.split(',')])
  for (const name of names) {
    if (!CONTENDERS.some((contender) => contender.name === name)) {
      const known = CONTENDERS.map((contender) => contender.name).join(', ')
      throw new Error(`no contender is called ${name}; known are ${known}`)
    }
  }
  return CONTENDERS.filter(({ name }) => names.has(name))
}

function machine() {
  return {
    cpu: cpus()[0]!.model,
    cores: availableParallelism(),
    kernel: release(),
    node: process.version,
    nginx: versionOf('nginx', '-v'),
    wrk: versionOf('wrk', '-v'),
    serin: (JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string })
      .version,
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() =>
        resolve(typeof address === 'object' && address !== null ? address.port : 0),
      )
    })
  })
}
