import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { createProgressLine } from '../../src/cli/progress-line.ts'
import { createFakeDeps, fakeState, fakeStatus, NOW } from '../admin/fake-deps.ts'
import { backtestConfig } from './backtest-config.ts'
import { run, serveAdmin } from './fake-io.ts'
import { createSlowClock, createTerminal } from './fake-terminal.ts'

t.test(
  'A progress line is drawn five times a second, cut to its terminal, and taken away.',
  async (t) => {
    let now = 0
    const { output, drawn } = createTerminal(6)
    const line = createProgressLine(output, { monotonic: () => now })
    line.clear()
    t.same(drawn, [], 'nothing to take away yet')
    line.show(() => '12345678')
    now = 199
    line.show(() => String(t.fail('too early')))
    now = 200
    line.show(() => 'two')
    line.clear()
    t.same(
      drawn.filter((text) => text !== ''),
      ['12345', 'two'],
    )
    t.equal(drawn.at(-1), '')
    const silent = createProgressLine(
      { write: () => t.fail('no terminal') },
      { monotonic: () => 0 },
    )
    silent.show(() => 'x')
    silent.clear()
  },
)

t.test(
  'Wait shows phase, step, weight and what is left on a terminal, on stderr alone.',
  async (t) => {
    let state = fakeState()
    const admin = await serveAdmin(t, createFakeDeps({ services: () => [fakeStatus(state)] }))
    const { output, drawn, last } = createTerminal()
    const sleep = async () => {
      state = fakeState({ phase: 'promoted', promotedAt: NOW, weightBp: 10_000 } as never)
    }
    const argv = ['wait', 'credit-risk', '--for', 'promoted', '--admin', admin]
    const { exitCode, stdout } = await run(argv, { stderr: output, sleep })
    t.equal(exitCode, 0)
    t.equal(stdout, 'credit-risk: promoted, baseline 0 %, canary 100 %\n')
    t.ok(
      drawn.includes(
        'credit-risk  progressing  step 2/4  ██░░░░░░░░ 20 %  next step in about 2 min',
      ),
    )
    t.equal(last(), '')
  },
)

t.test('Feedback shows its lines per second, and of a file how far it is.', async (t) => {
  const deps = createFakeDeps({
    feedback: async (body) => {
      const joined = body.split('\n').length - 1
      return { joined, unmatched: 0, late: 0, duplicate: 0, unscored: 0, rejected: [] }
    },
  })
  const admin = await serveAdmin(t, deps)
  const file = join(t.testdir({}), 'labels.ndjson')
  const line = JSON.stringify({ requestId: 'r'.repeat(80), label: 1 })
  writeFileSync(file, `${line}\n`.repeat(10_000))
  const { output, drawn } = createTerminal()
  const clock = createSlowClock(500)
  const { stdout } = await run(['feedback', file, '--admin', admin], { stderr: output, clock })
  t.match(stdout, /^joined 10,000,/)
  const shown = drawn.filter((text) => text.includes('lines/s'))
  t.match(shown[0], /^█+░+ \d+ %, [\d,]+ lines, [\d,]+ lines\/s, about \d+ s left$/)
  t.match(shown.at(-1), /^█{20} 100 %, 10,000 lines, .* about 0 s left$/)
  const piped = createTerminal()
  const stdin = (async function* () {
    yield `${line}\n`
  })()
  await run(['feedback', '-', '--admin', admin], { stderr: piped.output, stdin, clock })
  t.match(
    piped.drawn.find((text) => text !== ''),
    /^1 lines, \d+ lines\/s$/,
  )
})

t.test('Made-up rollouts say how many are done and how long the rest takes.', async (t) => {
  const file = join(t.testdir({ 'serin.yaml': backtestConfig() }), 'serin.yaml')
  const { output, drawn } = createTerminal()
  const argv = ['backtest', '-c', file, '--rps', '20', '--runs', '3']
  const { exitCode } = await run(argv, { stderr: output, clock: createSlowClock(400) })
  t.equal(exitCode, 0)
  const shown = drawn.filter((text) => text !== '')
  t.match(shown[0], /^1 of 3 rollouts, about \d+ s left$/)
  t.equal(shown.at(-1), '3 of 3 rollouts, about 0 s left')
})
