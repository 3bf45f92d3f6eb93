import { execFile, spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { loadConfig } from '../../src/config/load.ts'
import { createFakeDeps, LOOPBACK } from '../admin/fake-deps.ts'
import { serveAdmin } from '../cli/fake-io.ts'
import { EXAMPLE_ENV } from '../config/example-env.ts'
import { skipWithout } from '../e2e/support/programs.ts'
import { PROGRAM } from '../support/program.ts'
import { DEPLOY, readDeploy } from './manifests.ts'

const unit = readDeploy('systemd', 'serin.service')
const setting = (name: string) => new RegExp(`^${name}=(.*)$`, 'm').exec(unit)?.[1]

t.test(
  'deploy/systemd: the unit is one that systemd takes',
  skipWithout('systemd-analyze'),
  async (t) => {
    const verify = (text: string) => {
      const file = join(t.testdir({}), 'serin.service')
      writeFileSync(file, text.replaceAll('/usr/bin/node', process.execPath))
      return spawnSync('systemd-analyze', ['verify', '--man=no', file], { encoding: 'utf8' })
    }
    const { status, stderr } = verify(unit)
    t.equal(status, 0, stderr)
    t.equal(stderr, '')
    t.match(verify(unit.replace('ProtectClock=', 'ProtectClok=')).stderr, /ProtectClok/)
  },
)

t.test(
  'The time to stop is longer than the drain, and the state is where the store is.',
  async (t) => {
    const result = await loadConfig(join(DEPLOY, 'systemd', 'serin.yaml'), EXAMPLE_ENV)
    if (!result.ok) throw new Error(JSON.stringify(result.problems))
    const { gateway, store } = result.config
    const { waitMs, deadlineMs, streamsMs } = gateway.drain
    const stopMs = Number(/^(\d+)s$/.exec(setting('TimeoutStopSec')!)![1]) * 1000
    t.ok(stopMs >= waitMs + Math.max(deadlineMs, streamsMs) + 10_000)
    t.match(store, { engine: 'lmdb', path: `/var/lib/${setting('StateDirectory')}` })
    t.match(setting('ExecStart'), / serve -c \/etc\/serin\/serin\.yaml$/)
  },
)

t.test('A reload fails where the file is refused, and says why.', async (t) => {
  const [, script] = /^\/bin\/sh -c '(.*)'$/.exec(setting('ExecReload')!)!
  const command = script!
    .replaceAll('$$', '$')
    .replace('/usr/bin/node', process.execPath)
    .replace('/opt/serin/dist/main.js', PROGRAM)
  const reload = (admin: string, env: Readonly<Record<string, string>>) =>
    new Promise<{ readonly code: unknown; readonly stdout: string; readonly stderr: string }>(
      (resolve) => {
        execFile(
          '/bin/sh',
          ['-c', command],
          { env: { SERIN_ADMIN: admin, ...env } },
          (error, stdout, stderr) => resolve({ code: error?.code ?? 0, stdout, stderr }),
        )
      },
    )
  const tokens = [
    { name: 'ops', token: 'right', scopes: ['operate'] as const, services: null, expiresAt: null },
  ]
  const config = { ...LOOPBACK, tokens }
  const taken = await serveAdmin(t, createFakeDeps(), config)
  t.match(await reload(taken, { SERIN_OPERATOR_TOKEN: 'right' }), { code: 0, stdout: /changed/ })
  t.match(await reload(taken, { SERIN_OPERATOR_TOKEN: 'old', SERIN_TOKEN: 'right' }), { code: 0 })
  t.match(await reload(taken, {}), { code: 3, stderr: /SERIN_UNAUTHENTICATED/ })
  const problems = ['serin.yaml:7:3: services.a.match: missing']
  const refused = createFakeDeps({ reload: async () => ({ ok: false, problems }) })
  t.match(await reload(await serveAdmin(t, refused, config), { SERIN_OPERATOR_TOKEN: 'right' }), {
    ...{ code: 1, stderr: /\n {2}serin\.yaml:7:3: services\.a\.match: missing\n/ },
  })
})
