import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import t from 'tap'
import { multiplyServices } from '../../bench/multiply-services.ts'
import { loadConfigApart } from '../../src/config/load-apart.ts'
import { loadConfig } from '../../src/config/load.ts'
import { EXAMPLE_ENV } from './example-env.ts'
import { file } from './problems-of.ts'

t.test('A thread loads what the process would load itself.', async (t) => {
  const bad = t.testdir({ 'serin.yaml': file().replace('version: 1', 'version: 2') })
  for (const path of [
    'config/example.yaml',
    'config/examples/segments-drift.yaml',
    'test/config/fixtures/every-part.yaml',
    join(bad, 'serin.yaml'),
    join(bad, 'not-there.yaml'),
  ]) {
    t.strictSame(
      await loadConfigApart(path, EXAMPLE_ENV),
      await loadConfig(path, EXAMPLE_ENV),
      path,
    )
  }
})

t.test('A file with many services holds nobody up.', async (t) => {
  const services = 200
  const one = readFileSync('bench/contenders/serin.yaml', 'utf8')
  const path = join(t.testdir({ 'serin.yaml': multiplyServices(one, services) }), 'serin.yaml')
  const env = { BENCH_PORT: '1', BENCH_UPSTREAM_PORT: '2', BENCH_STORE: 'data' }
  const began = process.cpuUsage()
  const { ok } = await loadConfig(path, env)
  t.ok(ok)
  const loadMs = process.cpuUsage(began).user / 1000
  const holds = monitorEventLoopDelay({ resolution: 1 })
  holds.enable()
  const result = await loadConfigApart(path, env)
  holds.disable()
  t.equal(result.ok && result.config.services.length, services)
  const turns = holds.count
  t.ok(turns > loadMs / 10, `${turns} turns of the event loop beside ${loadMs} ms of work`)
})
