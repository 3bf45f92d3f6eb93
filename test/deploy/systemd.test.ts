import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { loadConfig } from '../../src/config/load.ts'
import { EXAMPLE_ENV } from '../config/example-env.ts'
import { skipWithout } from '../e2e/support/programs.ts'
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
