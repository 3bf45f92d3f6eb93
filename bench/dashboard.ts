/**
 * What the dashboard costs the gateway: `npm run bench:dashboard`. 200 services with a rollout each and traffic
 * to all of them; the CPU time of the gateway's process in windows without a reader of its events, with one of
 * all services, and with one of a single service, in turn.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Agent, request } from 'undici'
import { stringify } from 'yaml'
import { freePort } from './free-port.ts'
import { readFamilyUsage } from './process-family.ts'
import { Processes } from './processes.ts'
import { spread } from './spread.ts'

const SERVICES = 200
const REQUESTS_PER_SECOND = 100
const WARM_UP_MS = 40_000
const WINDOW_MS = 15_000
const ROUNDS = 6

const READERS = [
  { name: 'nobody reads', path: null },
  { name: 'one reads of all services', path: '/api/v1/events' },
  { name: 'one reads of one service', path: '/api/v1/events?service=model-0' },
] as const

const folder = mkdtempSync(join(tmpdir(), 'serin-bench-'))
process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
const processes = new Processes()
const agent = new Agent({ connections: 20 })
const upstream = createServer((req, res) => {
  req.resume()
  res.writeHead(200, { 'content-type': 'application/json' })
  res.end('{"outputs":[{"data":[1]}]}')
})
await new Promise<void>((resolve) => upstream.listen(0, '127.0.0.1', resolve))
const [dataPort, adminPort] = [await freePort(), await freePort()]
const file = join(folder, 'serin.yaml')
writeFileSync(file, buildConfig((upstream.address() as AddressInfo).port))
const gateway = processes.start({
  command: [process.execPath, 'dist/main.js', 'serve', '-c', file],
  core: 0,
})
const admin = `http://127.0.0.1:${adminPort}`
while (!(await isReady())) await sleep(100)
const traffic = setInterval(() => void send(), 1000 / REQUESTS_PER_SECOND)
let sent = 0
await sleep(WARM_UP_MS)

const shares = new Map<string, number[]>(READERS.map(({ name }) => [name, []]))
for (let round = 1; round <= ROUNDS; round++) {
  for (const { name, path } of round % 2 === 1 ? READERS : READERS.toReversed()) {
    const { share, bytes } = await measure(path)
    shares.get(name)!.push(share)
    console.log(
      `${round}/${ROUNDS} ${name}: ${(share * 100).toFixed(2)} % of a core, ${Math.round(bytes / 1024)} KiB read`,
    )
  }
}
clearInterval(traffic)
const idle = spread(shares.get(READERS[0].name)!).median
for (const { name } of READERS) {
  const share = spread(shares.get(name)!).median
  console.log(
    `${name}: median ${(share * 100).toFixed(2)} % of a core, ${((share - idle) * 100).toFixed(2)} % more than when nobody does`,
  )
}
await processes.stop(gateway)
await agent.close()
upstream.closeAllConnections()
upstream.close()

function buildConfig(upstreamPort: number): string {
  const upstreams = [`http://127.0.0.1:${upstreamPort}`]
  const services = Array.from({ length: SERVICES }, (_, i) => [
    `model-${i}`,
    {
      match: { path: `/v2/models/model-${i}/*` },
      variants: {
        baseline: { version: '1.4', upstreams },
        canary: { version: '2.0', upstreams },
      },
      // Never enough of them: every rollout is judged at each turn, and none of them ends.
      rollout: { steps: [{ weight: '30%', minRequests: 1e9 }, { weight: '100%' }] },
      analysis: {
        warmUp: '5s',
        metrics: {
          errors: { kind: 'error-rate', maxIncrease: '0%' },
          latency: { kind: 'latency', quantile: 0.95, maxIncrease: '10%' },
        },
      },
    },
  ])
  return stringify({
    version: 1,
    gateway: { listen: `127.0.0.1:${dataPort}`, log: { access: { sample: '0%' } } },
    admin: { listen: `127.0.0.1:${adminPort}` },
    store: `lmdb:${join(folder, 'data')}`,
    services: Object.fromEntries(services),
  })
}

async function isReady(): Promise<boolean> {
  try {
    const { statusCode, body } = await request(`${admin}/readyz`)
    await body.dump()
    return statusCode === 200
  } catch {
    return false
  }
}

async function send(): Promise<void> {
  const url = `http://127.0.0.1:${dataPort}/v2/models/model-${sent++ % SERVICES}/infer`
  const { body } = await request(url, { method: 'POST', body: '{}', dispatcher: agent })
  await body.dump()
}

async function measure(path: string | null): Promise<{ share: number; bytes: number }> {
  const end = new AbortController()
  let bytes = 0
  const reading = path === null ? null : read(`${admin}${path}`, end.signal, (n) => (bytes += n))
  await sleep(2000)
  const [cpu, at] = [readFamilyUsage(gateway.pid!).cpuSeconds, performance.now()]
  await sleep(WINDOW_MS)
  const used = readFamilyUsage(gateway.pid!).cpuSeconds - cpu
  const share = used / ((performance.now() - at) / 1000)
  end.abort()
  await reading
  return { share, bytes }
}

async function read(
  url: string,
  signal: AbortSignal,
  onBytes: (bytes: number) => void,
): Promise<void> {
  try {
    const { body } = await request(url, { signal })
    for await (const chunk of body) onBytes((chunk as Buffer).length)
  } catch (error) {
    if (!signal.aborted) throw error
  }
}
