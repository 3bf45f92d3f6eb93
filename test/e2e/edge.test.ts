import { spawn, spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import type { Test } from 'tap'
import { request } from 'undici'
import { parse } from 'yaml'
import { DEPLOY, readDeploy } from '../deploy/manifests.ts'
import { freePort } from '../support/free-port.ts'
import { startRedis } from '../support/redis-server.ts'
import { startLoad } from './support/load.ts'
import { startModel } from './support/model-server.ts'
import { skipWithout } from './support/programs.ts'
import { seeded } from './support/seeded.ts'
import { startSerin, type SerinGateway } from './support/serin-process.ts'
import { until } from './support/until.ts'

const PASSWORD = 'redis-password'
const PATH = '/v2/models/credit-risk/infer'

t.test(
  'e2e/edge: the configuration of HAProxy is one without a warning',
  skipWithout('haproxy'),
  (t) => {
    const args = ['-c', '-f', join(DEPLOY, 'edge', 'haproxy.cfg')]
    const { status, stderr } = spawnSync('haproxy', args, { encoding: 'utf8' })
    t.equal(status, 0, stderr)
    t.notMatch(stderr, /WARNING|ALERT/)
    t.end()
  },
)

t.test('e2e/edge: two gateways behind HAProxy', skipWithout('haproxy'), async (t) => {
  const folder = t.testdir({ redis: {}, one: {}, two: {} })
  const redis = await startRedis(t, join(folder, 'redis'), ['--aclfile', writeUsers(folder)])
  const draw = seeded(8)
  const baseline = await startModel(t, draw, { error: 2, failures: 0 })
  const canary = await startModel(t, draw, { error: 2, failures: 0 })
  const ports = { one: await freePort(), two: await freePort() }
  const start = (name: 'one' | 'two') =>
    startSerin(t, writeGateway(join(folder, name), ports[name]), {
      ...{ PROXY_CIDR: '127.0.0.1/32', REDIS_HOST: `127.0.0.1:${redis.port}` },
      ...{ REDIS_PASSWORD: PASSWORD, BASELINE_URL: baseline.origin, CANARY_URL: canary.origin },
    })
  const [one, two] = [await start('one'), await start('two')]
  const front = await startHaproxy(t, folder, ports)
  await until('HAProxy has both', async () => {
    const seen = await Promise.all(Array.from({ length: 8 }, () => ask(front)))
    return seen.every((status) => status === 200)
  })
  const load = startLoad(t, {
    ...{ data: () => front, path: PATH, concurrency: 8, perSecond: 200, draw },
  })
  await until('both serve', async () => (await served(one)) > 50 && (await served(two)) > 50)

  const before = await served(two)
  const drained = await one.stop()
  t.equal(drained.code, 0)
  t.match(drained.stdout, /"msg":"stopped"/)
  await until('the other serves alone', async () => (await served(two)) > before + 100)

  const again = await start('one')
  await until('it is taken in again', async () => (await served(again)) > 50)
  await load.stop()
  t.same(Object.keys(load.tally.statuses), ['200'], `${load.tally.sent} requests, none is lost`)
  t.same(load.tally.broken, {})

  two.kill('SIGKILL')
  await two.ended
  await until('a gateway that died is left out', async () => (await ask(front)) === 200)
})

/** The user that docs/stores.md advises. */
function writeUsers(folder: string): string {
  const file = join(folder, 'users.acl')
  const may = '~{serin}:* +@all -@dangerous -@admin'
  writeFileSync(file, `user default off\nuser serin on >${PASSWORD} ${may}\n`)
  return file
}

/** The file as it stands, but for ports and places of this machine. */
function writeGateway(folder: string, port: number): string {
  const text = readDeploy('edge', 'serin.yaml')
    .replace('0.0.0.0:8080', `127.0.0.1:${port}`)
    .replace('127.0.0.1:9090', '127.0.0.1:0')
    .replace('/var/lib/serin/', './')
    .replaceAll('health: { path: /v2/health/ready }', '')
  parse(text)
  const file = join(folder, 'serin.yaml')
  writeFileSync(file, text)
  return file
}

async function startHaproxy(
  t: Test,
  folder: string,
  ports: { readonly one: number; readonly two: number },
): Promise<string> {
  const port = await freePort()
  const file = join(folder, 'haproxy.cfg')
  const text = readDeploy('edge', 'haproxy.cfg')
    .replace('0.0.0.0:80', `127.0.0.1:${port}`)
    .replace('10.0.0.11:8080', `127.0.0.1:${ports.one}`)
    .replace('10.0.0.12:8080', `127.0.0.1:${ports.two}`)
  writeFileSync(file, text)
  const child = spawn('haproxy', ['-db', '-f', file], { stdio: 'ignore' })
  const ended = new Promise((resolve) => child.once('close', resolve))
  t.teardown(async () => {
    child.kill('SIGKILL')
    await ended
  })
  return `http://127.0.0.1:${port}`
}

async function ask(front: string): Promise<number> {
  try {
    const options = { method: 'POST', body: '{"x":1}' } as const
    const { statusCode, body } = await request(`${front}${PATH}`, options)
    await body.dump()
    return statusCode
  } catch {
    return 0
  }
}

/** Requests that this gateway has answered. */
async function served({ admin }: SerinGateway): Promise<number> {
  const { body } = await request(`${admin}/metrics`)
  const lines = (await body.text()).matchAll(/^serin_requests_total\{.*\} (\d+)$/gm)
  return [...lines].reduce((sum, [, n]) => sum + Number(n), 0)
}
