import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import type { Test } from 'tap'
import { EXAMPLE_ENV as env } from '../config/example-env.ts'
import { run } from './fake-io.ts'

const files = ['example.yaml', ...readdirSync('config/examples').map((f) => join('examples', f))]

async function explain(file: string, ...argv: string[]) {
  const { exitCode, stdout, stderr } = await run(['check', '--explain', '-c', file, ...argv], {
    env,
  })
  return { exitCode, stderr, text: stdout, flat: stdout.replaceAll(/\s+/g, ' ') }
}

/** The sentences about one service `a` with these lines. */
async function explainLines(t: Test, lines: string, ...argv: string[]): Promise<string> {
  const file = join(t.testdir({}), 'serin.yaml')
  writeFileSync(
    file,
    `version: 1
gateway: { listen: 127.0.0.1:8080 }
services:
  a:
    match: { path: /a, host: models.example.com }
    variants:
      baseline: { version: "1", upstreams: ["http://127.0.0.1:8001"] }
      canary: { version: "2", upstreams: ["http://127.0.0.1:8002"] }
${lines}`,
  )
  const { exitCode, stderr, flat } = await explain(file, ...argv)
  t.equal(exitCode, 0, stderr)
  return flat
}

t.test('Every example is told in sentences that fit on a terminal.', async (t) => {
  for (const file of files) {
    const { exitCode, text, stderr } = await explain(join('config', file), '--rps', '200')
    t.equal(exitCode, 0, `${file}: ${stderr}`)
    const told = text.slice(text.indexOf(' is good (services: '))
    t.notMatch(told, /undefined|null|NaN|Infinity|\[object/, file)
    for (const line of told.split('\n').slice(1)) t.ok(line.length <= 80, line)
    for (const sentence of told.split('\n\n').slice(1)) t.match(sentence.trim(), /\.$/, file)
  }
})

t.test(
  'A rollout is told: who gets what, what sends it back, what is proved, how long it takes.',
  async (t) => {
    const { flat } = await explain('config/example.yaml', '--rps', '20')
    for (const sentence of [
      "The gateway takes requests at 0.0.0.0:8080 and operators' at 127.0.0.1:9090, with 2 tokens.",
      'POST requests for /v2/models/credit-risk/* go to one of: baseline 1.4, canary 2.0.',
      'The key is header x-user-id: whoever has the same one stays on one version while the weights stand. A rule comes first: body:/parameters/card_tier = platinum -> baseline. It holds after a promotion too: the baseline stays in use.',
      'then a pause until `serin promote`, then 50 % for 30m and 1,000 judged at least, then 100 %.',
      'It goes back to 0 % when this is shown of the canary: errors: any rise, or beyond 5 %; latency: a rise above 10 %; slow: beyond 500 ms; rmse: a rise above 5 %.',
      'It also goes back when the canary is down, or when 50 % of its requests fail, or of its clients leave before an answer.',
      'Before 100 % it has to be proved no worse: errors within 50 % plus the floor of 0.1 %, latency within 10 %, rmse within 5 %.',
      '100 % is watched for 30m, and then final.',
      'After 1d without a decision it stays where it is, and waits for somebody.',
      'Post labels and events with `serin feedback`, joined by x-request-id: rmse within 10m.',
      'hooks.example.com is told of decisions.',
    ]) {
      t.ok(flat.includes(sentence), `${sentence}\n${flat}`)
    }
    t.match(
      flat,
      /At 20 new keys a second it is there after \d+ min in half of the rollouts, and after/,
    )
    t.notMatch((await explain('config/example.yaml')).flat, /a second it/, 'nothing without --rps')
  },
)

t.test('Who is told is named once, and who has to say yes before 100 % is a gate.', async (t) => {
  const hooks = (...lines: string[]) =>
    explainLines(
      t,
      `    rollout:
      steps: [{ weight: 5% }, { weight: 100% }]
    analysis: { metrics: { errors: { kind: error-rate, maxIncrease: 0%, max: 5% } } }
    notify:
${lines.map((line) => `      - ${line}`).join('\n')}
`,
    )
  const GATE = '{ url: "http://gate:8000/ask", on: [confirm-promotion] }'
  const asked = await hooks(GATE)
  t.match(
    asked,
    /100 % is a gate: gate:8000 has to answer 200 before \(`confirm-promotion`\), or `serin promote` is given/,
  )
  t.notMatch(asked, /told of decisions/, 'it is only asked')
  const both = await hooks(
    GATE,
    '{ url: "http://other:8000/ask", on: [confirm-promotion, promoted] }',
    '{ url: "http://chat.example.com/a", on: [promoted] }',
    '{ url: "http://chat.example.com/b", on: [rolled-back] }',
  )
  t.match(both, /gate:8000 and other:8000 have to answer 200 before/)
  t.match(both, /other:8000 and chat\.example\.com are told of decisions\./)
})

t.test('Fixed weights, experiments, mirrors and switches are told as what they are.', async (t) => {
  const told = async (name: string) =>
    (await explain(`config/examples/${name}.yaml`, '--rps', '50')).flat
  t.match(
    await told('fixed-ab'),
    /The weights are fixed: small 25 %, large 12\.5 %, baseline 62\.5 %\. Nothing is judged\./,
  )
  t.match(
    await told('abn'),
    /Each is compared with baseline, whether this is shown: errors: any rise; .* Nothing moves before `serin promote`\./,
  )
  t.match(await told('shadow'), /shadow gets copies of 100 % of the requests; nobody waits/)
  t.match(await told('mirror-first'), /a mirror of 100 % for/)
  const switched = await told('blue-green')
  t.match(switched, /its share goes: a pause until `serin promote`, then 100 %\./)
  t.match(switched, /At 50 requests a second it is at 100 % as soon as its pauses are over\./)
  t.notMatch(switched, /proved|without a decision/)
  t.match(await told('holdback'), /with 5 % held back, and then final/)
  const events = await told('business-events')
  t.match(events, /It pauses when this is shown: clicks: a fall above 10 %\./)
  t.match(events, /It is only told when this is shown: items: a fall above 20 %\./)
  t.match(await told('thresholds'), /measurements are counted/)
})

t.test('What is left to choose is told by its words.', async (t) => {
  const rollout = (more: string, metrics = 'errors: { kind: error-rate, max: 5% }') => `    rollout:
      steps: [{ weight: 10% }, { pause: 5m }, { weight: 100% }]
${more}
    analysis: { metrics: { ${metrics} } }
`
  const manual = await explainLines(
    t,
    rollout('      start: manual\n      onInconclusive: promote'),
  )
  t.match(manual, /Requests for \/a of models\.example\.com go to/)
  t.match(manual, /Each request is drawn by itself\. Once `serin promote` is given its share goes/)
  t.match(manual, /then a pause of 5m, then 100 %/)
  t.match(manual, /Nothing has to be proved before 100 %\./)
  t.match(manual, /without a decision it is promoted\./)
  const back = rollout(
    '      onInconclusive: rollback',
    'errors: { kind: error-rate, maxIncrease: 0% }',
  )
  t.match(await explainLines(t, back), /without a decision it goes back to 0 %\./)
  const slow = await explainLines(t, back, '--rps', '0.01')
  t.match(slow, /in four of five, which is longer than it may\.|it never gets there\./)
  t.match(await explainLines(t, ''), /baseline has everything\. Nothing is judged\./)
  const keyed = (key: string) => explainLines(t, `    split: { key: "${key}" }\n`)
  t.match(await keyed('ip'), /The key is the client's address:/)
  t.match(await keyed('body:/user'), /The key is \/user of the body:/)
  const rules = (...to: string[]) =>
    `    split: { rules: [${to.map((then, i) => `{ when: { "header:x": [${i}] }, ${then} }`).join(', ')}] }\n`
  const [all, half] = ['variant: baseline', 'weights: { canary: 50% }']
  t.match(
    await explainLines(t, `${rules(half, 'variant: canary')}${back}`),
    /2 rules come first: header:x = 0 -> baseline 50 %, canary 50 %; header:x = 1 -> canary\. They hold after a promotion too: the baseline stays in use\./,
  )
  t.match(await explainLines(t, rules(all)), /header:x = 0 -> baseline\. baseline has everything/)
  t.match(await keyed('cookie:session'), /The key is cookie session:/)
})

t.test('With --strict a warning about the file is none that passes.', async (t) => {
  const file = join(t.testdir({}), 'serin.yaml')
  const check = async (rollout: string, ...argv: string[]) => {
    writeFileSync(
      file,
      `version: 1
gateway: { listen: 127.0.0.1:8080 }
store: redis://127.0.0.1:1/0
services:
  a:
    match: { path: /a }
    variants:
      baseline: { version: "1", upstreams: ["http://127.0.0.1:8001"] }
${rollout}`,
    )
    return run(['check', '-c', file, ...argv])
  }
  const sound = await check('', '--strict')
  t.equal(sound.exitCode, 0, sound.stderr)
  t.match(sound.stdout, /^warning: store: from here, /, 'which is not about the file')

  const risky = `      canary: { version: "2", upstreams: ["http://127.0.0.1:8002"] }
    rollout: { steps: [{ weight: 50% }, { weight: 100% }] }
    analysis: { metrics: { rate: { kind: error-rate, max: 5% } } }
`
  t.equal((await check(risky)).exitCode, 0)
  const strict = await check(risky, '--strict')
  t.equal(strict.exitCode, 1)
  t.match(strict.stdout, /^warning: .*only technical metrics decide/)
  t.match(strict.stderr, /--strict lets no warning pass, and .*serin\.yaml has 2/)
})
