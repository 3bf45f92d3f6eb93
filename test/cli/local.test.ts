import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { formatSeconds, renderTable, wrap } from '../../src/cli/render.ts'
import { run } from './fake-io.ts'
import { PROGRAM } from '../support/program.ts'

t.test('Check lists every mistake at once.', async (t) => {
  const file = join(t.testdir({}), 'bad.yaml')
  writeFileSync(file, 'version: 1\nadmn: {}\nservices:\n  a: { match: { path: nowhere } }\n')
  const { exitCode, stderr, stdout } = await run(['check', '-c', file])
  t.equal(exitCode, 1)
  t.equal(stdout, '')
  t.match(
    stderr,
    /^serin: .*bad\.yaml has \d+ problems:\n {2}[^]*\n {2}.*bad\.yaml:2:1: admn: unknown key/,
  )
  t.ok(stderr.trim().split('\n').length > 2)
  const missing = await run(['check', '-c', join(t.testdirName, 'none.yaml')])
  t.equal(missing.exitCode, 1)
  t.match(missing.stderr, /has 1 problem:\n.*there is no such file/)
})

t.test('The demo gets its options, and its exit code is ours.', async (t) => {
  const seen: object[] = []
  const demo = async (argv: string[], exitCode: number) =>
    run(['demo', ...argv], {
      loadDemo: async () => ({
        runDemo: async ({ write, ...options }) => {
          seen.push(options)
          write('three endings\n')
          return exitCode
        },
      }),
    })
  t.same(await demo([], 0), { exitCode: 0, stdout: 'three endings\n', stderr: '' })
  t.same(await demo(['--quick', '--keep', '--json', '--seed', '7'], 1), {
    exitCode: 1,
    stdout: 'three endings\n',
    stderr: '',
  })
  t.same(seen, [
    { quick: false, keep: false, json: false, seed: null },
    { quick: true, keep: true, json: true, seed: 7 },
  ])
  t.equal((await demo(['--seed', 'x'], 0)).exitCode, 1)
})

t.test('Help and version are no failures; unknown commands and options are.', async (t) => {
  const help = await run(['--help'])
  t.equal(help.exitCode, 0)
  for (const command of [
    'serve',
    'check',
    'init',
    'demo',
    'status',
    'weights',
    'promote',
    'abort',
    'pause',
    'resume',
    'retry',
    'undo',
    'wait',
    'decisions',
    'experiments',
    'explain',
    'plan',
    'feedback',
    'reload',
  ]) {
    t.match(help.stdout, new RegExp(`^ {2}${command} `, 'm'))
  }
  t.match(help.stdout, /Exit codes: 0 done/)
  t.equal((await run(['--version'])).stdout, '1.2.3\n')
  const unknown = await run(['statsu'])
  t.equal(unknown.exitCode, 1)
  t.equal(
    unknown.stderr,
    "serin: unknown command 'statsu' (did you mean status?): `serin help` says what there is\n",
  )
  const elsewhere = await run(['rollback', 'house'])
  t.equal(elsewhere.exitCode, 1)
  t.equal(
    elsewhere.stderr,
    "serin: unknown command 'rollback': it is `serin abort` (`serin help abort`)\n",
  )
  t.match((await run(['set-weights', 'house'])).stderr, /it is `serin weights`/)
  t.equal((await run(['status', '--wacth'])).exitCode, 1)
  t.equal((await run(['explain', 'a', 'last'])).exitCode, 1)
})

t.test('What nobody expected is told in full and is exit 1.', async (t) => {
  const { exitCode, stderr } = await run(['demo'])
  t.equal(exitCode, 1)
  t.match(stderr, /^serin: Error: no demo here\n +at /)
  const odd = await run(['demo'], { loadDemo: () => Promise.reject('a string') })
  t.match(odd.stderr, /^serin: a string\nThis is a mistake of serin's own/)
})

t.test('Tables align, texts wrap, and seconds are told in words.', async (t) => {
  t.same(
    renderTable(
      [
        ['a', '1', 'x'],
        ['bbb', '22'],
      ],
      '<><',
      { tableWidth: 80 },
    ),
    ['a     1  x', 'bbb  22'],
  )
  t.same(renderTable([['abcdef', 'ghi', 'k']], '<<<', { tableWidth: 10 }), ['abcdef  g…'])
  const segments = [
    ['rmse@金', '1'],
    ['rmse@ゴールド', '2'],
    ['rmse@cafe\u0301', '3'],
    ['rmse@👩‍🔬', '4'],
  ]
  t.same(
    renderTable(segments, '<>', { tableWidth: 80 }),
    ['rmse@金        1', 'rmse@ゴールド  2', 'rmse@cafe\u0301      3', 'rmse@👩‍🔬        4'],
    'letters take as many columns as a terminal gives them',
  )
  t.same(
    [8, 9, 10].map((tableWidth) => renderTable([['rmse@ゴールド']], '<', { tableWidth })[0]),
    ['rmse@ゴ…', 'rmse@ゴ…', 'rmse@ゴー…'],
    'and none is cut in two',
  )
  t.same(wrap('one two three', 7), ['one two', 'three'])
  t.same(wrap('金 金 金', 5), ['金 金', '金'])
  t.same(wrap('unbreakable x', 4), ['unbreakable', 'x'])
  t.same([-1, 45, 89.6, 140, 5400, 86_400, 200_000].map(formatSeconds), [
    '0 s',
    '45 s',
    '90 s',
    '2 min',
    '1.5 h',
    '24 h',
    '2.3 d',
  ])
})

t.test(
  'The program runs as a process: output, exit code and a reader that leaves early.',
  async (t) => {
    const serin = (...argv: string[]) =>
      spawnSync(process.execPath, [PROGRAM, ...argv], { encoding: 'utf8', timeout: 30_000 })
    const help = serin('help', 'wait')
    t.equal(help.status, 0, help.stderr)
    t.match(help.stdout, /Usage: serin wait/)
    t.equal(serin('check', '-c', join(t.testdir({}), 'none.yaml')).status, 1)
    const shell = `"${process.execPath}" "${PROGRAM}" --help | true; exit "\${PIPESTATUS[0]}"`
    t.equal(spawnSync('bash', ['-c', shell], { timeout: 30_000 }).status, 0)
  },
)
