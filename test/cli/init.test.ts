import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { JUDGES } from '../../src/cli/first-config.ts'
import { parseConfig } from '../../src/config/load.ts'
import { forecastConfig } from '../../src/cli/forecast-config.ts'
import { run, toStream } from './fake-io.ts'

/** What the planner says of a file. */
function forecastOf(text: string, rps: number) {
  const parsed = parseConfig(text, { file: null, env: {} })
  if (!parsed.ok) throw new Error(text)
  return forecastConfig(parsed.config, parsed.config.services[0]!, { rps })
}

t.test(
  'A first configuration is written with what the flags say, and check accepts it.',
  async (t) => {
    const out = join(t.testdir({}), 'serin.yaml')
    const { exitCode, stdout } = await run([
      ...['init', '--out', out, '--service', 'credit-risk'],
      ...['--baseline', 'http://10.0.0.1:8000/', '--canary', 'http://10.0.0.2:8000'],
    ])
    t.equal(exitCode, 0)
    t.match(stdout, `next: serin check --explain --rps 10 -c ${out}, then serin serve -c ${out}`)
    const text = readFileSync(out, 'utf8')
    t.match(text, 'path: "/v2/models/credit-risk/*"')
    t.match(text, 'baseline: { version: "1.0", upstreams: ["http://10.0.0.1:8000"] }')
    t.match(text, 'canary: { version: "2.0", upstreams: ["http://10.0.0.2:8000"] }')
    const check = await run(['check', '-c', out])
    t.equal(check.exitCode, 0, check.stderr)
    t.match(check.stdout, `${out} is good (services: credit-risk)\n`)
    t.match(check.stdout, /^warning: .*only technical metrics/)
  },
)

t.test(
  'Whatever is answered, check accepts what is written, and its steps fit the traffic.',
  async (t) => {
    const out = join(t.testdir({}), 'serin.yaml')
    for (const judge of Object.keys(JUDGES)) {
      for (const key of [[], ['--key', 'X-User-Id']]) {
        for (const rps of ['0.05', '2', '20', '2000']) {
          const what = [judge, ...key, rps].join(' ')
          const argv = ['init', '--force', '--out', out, '--judge', judge, ...key, '--rps', rps]
          const { exitCode, stdout } = await run(argv)
          t.equal(exitCode, 0, what)
          const check = await run(['check', '--explain', '--rps', rps, '-c', out])
          t.equal(check.exitCode, 0, `${what}: ${check.stderr}`)
          t.notMatch(check.stdout, /too low|never|longer than it may|null|undefined/, what)
          const unused = judge === 'errors-latency' ? /only technical metrics/ : /^(?!.*warning)/
          t.match(check.stdout, unused, what)
          const text = readFileSync(out, 'utf8')
          t.match(
            text,
            new RegExp(
              `^# At ${rps.replace('2000', '2,000')} ${key.length === 0 ? 'requests' : 'new keys'} per second: about .+ to 100 % in half`,
              'm',
            ),
          )
          const forecast = /^At .+$/m.exec(stdout)![0]
          t.ok(text.includes(`# ${forecast}\n`), 'the file says what was said')
          const plan = forecastOf(text, Number(rps))
          t.ok(plan.fits, what)
          t.match(stdout, `canary ${plan.steps.map(({ weight }) => weight).join(' %, ')}`)
        }
      }
    }
  },
)

t.test('A key that is no header is sent to the file.', async (t) => {
  const { exitCode, stderr } = await run(['init', '--key', 'body:/user'])
  t.equal(exitCode, 1)
  t.match(stderr, /Another key \(`body:\/user`, `cookie:session`\) goes into the file/)
})

t.test('The more traffic there is, the more carefully the steps begin.', async (t) => {
  const out = join(t.testdir({}), 'serin.yaml')
  const first = async (rps: string) => {
    await run(['init', '--force', '--out', out, '--judge', 'rmse', '--rps', rps])
    return Number(/weight: (\d+)%/.exec(readFileSync(out, 'utf8'))![1])
  }
  const weights = [await first('0.1'), await first('5'), await first('1000')]
  t.same(
    weights,
    weights.toSorted((a, b) => b - a),
  )
  t.ok(weights[0]! > weights[2]!, weights.join())
  t.equal(weights[2], 5)
})

t.test('A first rollout at 100 requests per second is through in minutes.', async (t) => {
  const out = join(t.testdir({}), 'serin.yaml')
  for (const judge of ['errors-latency', 'rmse', 'accuracy', 'log-loss']) {
    const argv = ['init', '--force', '--out', out, '--judge', judge, '--rps', '100']
    const { stdout } = await run(argv)
    const text = readFileSync(out, 'utf8')
    const { p80Seconds, steps } = forecastOf(text, 100)
    t.ok(p80Seconds! < 10 * 60, `${judge}: ${p80Seconds} s`)
    t.match(stdout, `${Math.round(p80Seconds! / 60)} min in four of five`)
    t.match(stdout, 'then it is watched for 2m')
    t.match(text, 'watch: 2m')
    const weights = steps.map(({ weight }) => weight)
    t.same(weights, [5, 20, 50], judge)
    // No metric holds the others up: latency least, which a comment prices.
    const [proving] = steps.filter(({ proves }) => proves)
    t.not(proving!.slowest, 'latency', judge)
    const dearer = forecastOf(text.replace('maxIncrease: 25%', 'maxIncrease: 10%'), 100)
    const latencies = [proving!, dearer.steps.at(-1)!].map(
      (step) => step.metrics.find(({ name }) => name === 'latency')!.prove.p80Seconds!,
    )
    t.ok(latencies[1]! >= 4 * latencies[0]!, latencies.join())
  }
})

t.test('How long labels and events are waited for is what is said.', async (t) => {
  const out = join(t.testdir({}), 'serin.yaml')
  const write = async (...argv: string[]) => {
    await run(['init', '--force', '--out', out, ...argv])
    return readFileSync(out, 'utf8')
  }
  t.match(await write('--judge', 'rmse'), 'labelWindow: 1m }')
  t.match(await write('--judge', 'rmse', '--window', '5m'), 'labelWindow: 5m }')
  t.match(await write('--judge', 'events'), ' window: 30m }')
  t.match(await write('--judge', 'events', '--window', '90s'), ' window: 90s }')
})

t.test(
  'On a terminal it asks, explains what an answer should be, and writes what was said.',
  async (t) => {
    const out = join(t.testdir({}), 'serin.yaml')
    const answers = [
      'churn',
      '',
      'ftp://x',
      'http://10.0.0.1:1',
      '',
      'X-User-Id',
      '9',
      '3',
      '/label',
      '2m',
      '50',
    ]
    const { exitCode, stdout } = await run(['init', '--out', out], {
      stdin: Object.assign(toStream([`${answers.join('\n')}\n`]), { isTTY: true }),
      stdout: { write: () => undefined, isTTY: true },
    })
    t.equal(exitCode, 0)
    t.match(stdout, 'Name of the model endpoint [my-model]: ')
    t.match(stdout, 'Path of its requests [/v2/models/churn/*]: ')
    t.match(stdout, 'Write it as http://10.0.0.1:8000, without a path.')
    t.match(stdout, 'Give a number from 1 to 5.')
    t.match(stdout, 'New users per second, about [10]: ')
    const text = readFileSync(out, 'utf8')
    t.match(text, /churn:\n {4}match: \{ path: "\/v2\/models\/churn\/\*"/)
    t.match(text, 'baseline: { version: "1.0", upstreams: ["http://10.0.0.1:1"] }')
    t.match(text, 'key: header:x-user-id')
    t.match(text, 'prediction: body:/label')
    t.match(text, /accuracy: \{ kind: accuracy.+ labelWindow: 2m \}/)
    t.match(text, '# At 50 new keys per second')
    t.equal((await run(['check', '-c', out])).exitCode, 0)
  },
)

t.test('The questions fit what is judged, and names are answers too.', async (t) => {
  const out = join(t.testdir({}), 'serin.yaml')
  const asked = async (...answers: string[]) => {
    const { stdout } = await run(['init', '--force', '--out', out], {
      stdin: Object.assign(toStream([answers.join('\n')]), { isTTY: true }),
      stdout: { write: () => undefined, isTTY: true },
    })
    return stdout
  }
  const events = await asked('', '', '', '', '-', 'events', 'signup', '20m', '20')
  t.match(events, 'The event that counts [purchase]')
  t.match(events, 'Events arrive within [30m]')
  t.notMatch(events, 'JSON pointer')
  t.match(readFileSync(out, 'utf8'), 'event: "signup"')
  const odds = await asked('', '', '', '', '-', 'log-loss', '/p', '', '20')
  t.match(odds, /log-loss: and how well predicted probabilities \(0 to 1\) fit, by labels 0 or 1/)
  t.match(odds, 'JSON pointer to the prediction in the answer')
  t.match(
    readFileSync(out, 'utf8'),
    /prediction: body:\/p .*probability, 0 to 1,[^]*Labels, 0 or 1: [^]*log-loss: \{ kind: log-loss/,
  )
  const plain = await asked('', '', '', '', '', '', '')
  t.notMatch(plain, /The event that counts|JSON pointer|arrive within/)
  t.match(plain, 'Requests per second, about')
})

t.test(
  'Who breaks the questions off has nothing written, and who gives options is not asked.',
  async (t) => {
    const out = join(t.testdir({}), 'serin.yaml')
    const terminal = { write: () => undefined, isTTY: true }
    const stdin = Object.assign(toStream(['a-name\n']), { isTTY: true })
    const broken = await run(['init', '--out', out], { stdin, stdout: terminal })
    t.equal(broken.exitCode, 1)
    t.match(broken.stderr, 'the input ended before the last answer: nothing is written')
    t.notOk(existsSync(out))
    const never = Object.assign(toStream([]), { isTTY: true })
    const given = await run(['init', '--out', out, '--rps', '5'], {
      stdin: never,
      stdout: terminal,
    })
    t.equal(given.exitCode, 0)
    t.notMatch(given.stdout, 'Name of the model endpoint')
  },
)

t.test('A file that is there is overwritten by --force alone.', async (t) => {
  const out = join(t.testdir({ 'serin.yaml': 'mine' }), 'serin.yaml')
  const { exitCode, stderr } = await run(['init', '--out', out])
  t.equal(exitCode, 1)
  t.equal(stderr, `serin: ${out} is there already: --force overwrites it, --out writes another\n`)
  t.equal(readFileSync(out, 'utf8'), 'mine')
  t.equal((await run(['init', '--out', out, '--force', '--path', '/predict'])).exitCode, 0)
  t.match(readFileSync(out, 'utf8'), 'path: "/predict"')
  t.equal((await run(['check', '-c', out])).exitCode, 0)
  t.match((await run(['init', '--out', join(out, 'x')])).stderr, /^serin: /)
})

t.test('What init cannot write into a configuration it refuses.', async (t) => {
  const out = join(t.testdir({}), 'serin.yaml')
  for (const argv of [
    ['--baseline', '10.0.0.1:8000'],
    ['--canary', 'http://10.0.0.1:8000/v2'],
    ['--canary', 'http://user@10.0.0.1:8000'],
    ['--path', 'v2"'],
    ['--service', 'A B'],
    ['--service', 'a'.repeat(64)],
    ['--path', '/models*'],
    ['--key', 'header:x'],
    ['--prediction', 'outputs'],
    ['--event', 'a "b"'],
    ['--window', '0'],
    ['--window', '8d'],
    ['--rps', '0'],
  ]) {
    const { exitCode, stderr } = await run(['init', '--out', out, ...argv])
    t.equal(exitCode, 1, argv.join(' '))
    t.match(stderr, /Write it as|Write the name|Use at most 63|Use letters|Give a number/)
  }
  t.match((await run(['init', '--judge', 'taste'])).stderr, /choices are errors-latency, rmse/)
  t.notOk(existsSync(out))
})
