import { existsSync, readFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { createConnection } from 'node:net'
import { dirname } from 'node:path'
import t from 'tap'
import type { DemoResult } from '../../src/demo/demo-result.ts'
import { JSON_OUTPUTS } from '../docs/render-cli.ts'
import { REAL_MODEL, runStubbedDemo } from './run-stubbed-demo.ts'

t.test(
  'a run in which every rollout ends as it should prints the report and exits 0',
  async (t) => {
    const { code, text } = await runStubbedDemo(t, 'as-expected', {
      files: { modelEntry: REAL_MODEL },
    })
    t.equal(code, 0)
    t.match(
      text,
      /1\.4 {2}least squares {3}RMSE 3\.3\d mpg\n {2}2\.0 {2}random forest {3}RMSE 2\.8\d/,
    )
    t.match(text, /✓ mpg-better/)
    t.match(text, /✓ mpg-skewed: .*\n {2}rolled back by rmse\n/)
    t.match(text, /baseline +\d+ requests +0 errors +\d+ wrong +RMSE \d/)
    t.match(text, /All 2 rollouts ended as they should, in \d+ s \(seed 5\)/)
  },
)

t.test('--json prints one object and nothing else', async (t) => {
  const { code, text } = await runStubbedDemo(t, 'as-expected', { json: true })
  const result = JSON.parse(text) as DemoResult
  t.equal(code, 0)
  const documented = JSON_OUTPUTS.find(({ command }) => command === 'demo')!
  t.same(Object.keys(result).sort(), [...documented.keys!].sort(), 'as docs/cli.md has it')
  t.match(result, { ok: true, problems: [], seed: 5, quick: true, wrongBeyond: 8 })
  t.match(result.services, [
    { service: 'mpg-better', expected: 'promoted', ok: true, decisions: [{ id: 1 }, { id: 2 }] },
    { service: 'mpg-skewed', expected: 'rolled-back', ok: true },
  ])
  const { users } = result.services[1]!
  t.ok(users['canary']!.requests > 0 && users['baseline']!.requests > users['canary']!.requests)
  t.ok(result.feedback.joined > 0)
})

t.test(
  'rollouts that do not end in time are named with what was missing, and exit 1',
  async (t) => {
    const { code, text } = await runStubbedDemo(t, 'never-promotes', {
      limits: { rolloutMs: 1500 },
      interactive: true,
    })
    t.equal(code, 1)
    t.match(text, /serin demo {2}00:0\d {2}Ctrl-C ends it/)
    t.match(
      text,
      /mpg-better was not promoted in time: it is progressing at 25 %; missing: rmse: not enough labels yet\./,
    )
  },
)

t.test(
  '--keep leaves everything running with its URLs until Ctrl-C, and the files after it',
  async (t) => {
    let ports: readonly number[] = []
    let looked = false
    let listening: readonly boolean[] = []
    const { code, text } = await runStubbedDemo(t, 'as-expected', { keep: true }, (printed) => {
      const file = /export SERIN_ADMIN=.*\n(?:.*\n)*.*backtest/.test(printed)
        ? /configuration +(\S+)/.exec(printed)![1]!
        : null
      if (file === null || looked) return
      t.teardown(() => rm(dirname(file), { recursive: true }))
      ports = [...readFileSync(file, 'utf8').matchAll(/127\.0\.0\.1:(\d+)/g)].map((m) =>
        Number(m[1]),
      )
      looked = true
      void Promise.all(ports.map(isListening)).then((answers) => {
        listening = answers
        process.kill(process.pid, 'SIGTERM')
      })
    })
    t.equal(code, 0, 'the exit code is that of the rollouts')
    t.match(
      text,
      /dashboard +http:\/\/127\.0\.0\.1:\d+\/\n +gateway +http.*\n +admin API +http.*\n +metrics +http/,
    )
    t.match(text, /\n {2}node \S+ status --watch +# all services, live\n/)
    t.match(text, /\n {2}node \S+ explain mpg-skewed +# why it was rolled back\n/)
    t.same(listening, [true, true, true, true, true, true])
    t.same(await Promise.all(ports.map(isListening)), [false, false, false, false, false, false])
    t.ok(existsSync(/configuration +(\S+)/.exec(text)![1]!))
  },
)
async function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection(port, '127.0.0.1')
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
    socket.once('connect', () => socket.destroy())
  })
}
