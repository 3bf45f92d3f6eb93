import { join } from 'node:path'
import { writeFileSync } from 'node:fs'
import t from 'tap'
import { buildExperimentPlan } from '../../src/rollout/experiment-plan.ts'
import { forecastExperimentWithAdvice } from '../../src/rollout/experiment-advice.ts'
import { forecastWithAdvice } from '../../src/rollout/suggestions.ts'
import { createFakeDeps, fakeStatus } from '../admin/fake-deps.ts'
import { threeWay } from '../fakes/experiment-world.ts'
import { planOf } from '../fakes/rollout.ts'
import { ERRORS, RMSE, rolloutSpec, service, weightSteps } from '../fakes/simulated-service.ts'
import { run, serveAdmin } from './fake-io.ts'

const widest = (text: string) => Math.max(...text.split('\n').map((line) => line.length))

const rollout = (name: string, more = '') => `
  ${name}:
    match: { path: "/${name}/*" }
    variants:
      baseline: { version: "1", upstreams: ["http://127.0.0.1:1"] }
      canary: { version: "2", upstreams: ["http://127.0.0.1:2"] }
    observe: { prediction: body:/p }
    rollout: { steps: [ { weight: 5% }, { pause: 10m }, { pause: {} }, { weight: 10% }, { weight: 20% }, { weight: 50% }, { weight: 100% } ]${more} }
    analysis:
      metrics:
        errors: { kind: error-rate, maxIncrease: 0%, max: 5% }
        rmse: { kind: rmse, maxIncrease: 5%, labelWindow: 10m }
`
const head = 'version: 1\ngateway: { listen: "127.0.0.1:8080" }\nservices:'
const fixed = `
  fixed:
    match: { path: "/fixed/*" }
    variants: { baseline: { version: "1", upstreams: ["http://127.0.0.1:1"] } }
`

t.test('A file is planned without a gateway, readable in 80 columns.', async (t) => {
  const file = join(t.testdir({}), 'serin.yaml')
  writeFileSync(file, head + rollout('a') + fixed)
  const { exitCode, stdout, stderr } = await run(['plan', '-c', file, '--rps', '100'])
  t.equal(stderr, '')
  t.equal(exitCode, 0)
  t.ok(widest(stdout) <= 80, stdout)
  t.match(stdout, /^a {2}1->2 {2}100 requests per second \(given\)\n/)
  t.match(stdout, /\n {2}6 {7}50 % .* labelWindow of rmse \(10m\) \(needs proof\)\n/)
  t.match(stdout, /\n {2}errors {10}50 % \+ 0.1 % .*\n/)
  t.match(stdout, /metric +margin +at 5 % +at 10 % +at 20 %\n/)
  t.match(stdout, /metric +margin +at 50 %\n/, 'a fourth step has a table of its own')
  t.match(stdout, /timed pauses included, and\s+the time of an approval\n/)
  t.match(stdout, /within maxDuration \(24 h\)\n/)
  t.match(stdout, /errors 1 % \(assumed\), rmse normal errors \(assumed\)/)
  const given = ['plan', 'a', '-c', file, '--rps', '100', '--error-rate', '3%', '-o', 'json']
  const json = JSON.parse((await run([...given, '--regression', '50%'])).stdout)
  t.match(json, {
    service: 'a',
    unit: 'request',
    baseline: [{ name: 'errors', value: 0.03, from: 'given' }],
    pauseSeconds: 600,
    approvals: 1,
    fits: true,
    suggestions: [],
  })
  t.equal(json.steps[0].metrics[0].regression, 0.5)
})

t.test('What does not fit is told with what would.', async (t) => {
  const file = join(t.testdir({}), 'serin.yaml')
  writeFileSync(file, head + rollout('a', ', maxDuration: 1h'))
  const { stdout } = await run(['plan', '-c', file, '--rps', '10'])
  t.ok(widest(stdout) <= 80, stdout)
  t.match(stdout, /longer than maxDuration \(60 min\)\n {2}to fit +allow a maxDuration of 1h 41m\n/)
  writeFileSync(
    file,
    head +
      rollout('a', ', maxDuration: 12h').replace(
        /steps: \[.*\]/,
        'steps: [ { weight: 5% }, { weight: 100% } ]',
      ),
  )
  const slow = (await run(['plan', '-c', file, '--rps', '1'])).stdout
  t.match(slow, /\n {2}to fit +raise the weight of step 1 to \d+ %\n {2}or +/)
  writeFileSync(file, head + rollout('a').replace('maxIncrease: 0%', 'maxIncrease: 0%, floor: 0%'))
  const never = (await run(['plan', '-c', file, '--rps', '10', '--error-rate', '0%'])).stdout
  t.match(never, /errors +50 % +never +never +never\n/)
  t.match(never, /whole {5}never at 100 %\n/)
  t.match(never, /\nerrors: twice nothing is nothing, and the baseline has none\n/)
  t.notMatch(slow, /nothing/)
})

t.test('A pipeline is told by the exit code whether a rollout fits.', async (t) => {
  const file = join(t.testdir({}), 'serin.yaml')
  writeFileSync(file, head + rollout('a', ', maxDuration: 1h'))
  const ask = (...argv: string[]) => run(['plan', '-c', file, '--require-fit', ...argv])
  t.match(await ask('--rps', '10'), { exitCode: 1, stdout: /longer than maxDuration/, stderr: '' })
  const json = await ask('--rps', '10', '-o', 'json')
  t.match([json.exitCode, JSON.parse(json.stdout)], [1, { fits: false }], 'the plan is the answer')
  t.match(await ask('--rps', '1000'), { exitCode: 0, stdout: /within maxDuration/ })
  writeFileSync(file, head + RANKING + fixed)
  t.match(await ask('--rps', '10'), {
    exitCode: 1,
    stdout: '',
    stderr: /--require-fit: an experiment has no limit to fit into/,
  })
})

t.test('Where nothing is compared, nothing is to be proved.', async (t) => {
  const file = join(t.testdir({}), 'serin.yaml')
  writeFileSync(file, head + rollout('a').replace(/ {4}analysis:[^]*/, ''))
  const { stdout } = await run(['plan', '-c', file, '--rps', '1'])
  t.match(stdout, /^a {2}1->2 {2}1 request per second \(given\)\n/)
  t.match(stdout, /baseline {2}not compared: nothing is to be proved\n/)
  t.notMatch(stdout, /needs proof|To prove|To see/)
})

t.test('Bad input is exit 1, with what would be right.', async (t) => {
  const file = join(t.testdir({}), 'serin.yaml')
  const plan = async (text: string, ...argv: string[]) => {
    writeFileSync(file, head + text)
    const { exitCode, stderr } = await run(['plan', '-c', file, ...argv])
    t.equal(exitCode, 1, stderr)
    return stderr
  }
  t.match(await plan(rollout('a')), /give --rps/)
  for (const rps of ['0', '-1', 'x', '1e99'])
    t.match(await plan(rollout('a'), `--rps=${rps}`), /number above 0/)
  t.match(await plan(rollout('a'), '--rps', '1', '--error-rate', '2'), /Write it as 1%/)
  t.match(await plan(rollout('a'), '--rps', '1', '--error-rate', '101%'), /Write it as 1%/)
  t.match(await plan(rollout('a'), '--rps', '1', '--regression', '0%'), /Write it as 20%/)
  t.match(
    await plan(rollout('a') + rollout('b'), '--rps', '1'),
    /several rollouts and experiments \(a, b\): name/,
  )
  t.match(await plan(fixed, '--rps', '1'), /has no rollout, and no experiment/)
  t.match(
    await plan(fixed, 'fixed', '--rps', '1'),
    /no service "fixed" with a rollout or an experiment\n/,
  )
  t.match(
    await plan(rollout('a'), 'b', '--rps', '1'),
    /no service "b" with a rollout or an experiment \(those with one: a\)/,
  )
  t.match(
    (await run(['plan'])).stderr,
    /name the service \(`serin status` lists them\), or a file with -c/,
  )
})

t.test('With a rate and no service, the file of the folder is meant.', async (t) => {
  t.chdir(t.testdir({ 'serin.yaml': `${head}${rollout('a')}`, empty: {} }))
  const { exitCode, stdout } = await run(['plan', '--rps', '100'])
  t.equal(exitCode, 0)
  t.equal(stdout, (await run(['plan', '-c', 'serin.yaml', '--rps', '100'])).stdout)
  const asked = await run(['plan', '--rps', '100', '--admin', 'http://127.0.0.1:1'])
  t.match(asked.stderr, /name the service/, 'a gateway is meant')
  t.chdir('empty')
  t.match((await run(['plan', '--rps', '100'])).stderr, /^serin: serin\.yaml has 1 problem/)
})

const RANKING = `
  ranking:
    match: { path: /rank }
    variants:
      baseline: { version: "1", upstreams: ["http://127.0.0.1:1"] }
      small: { version: "2s", upstreams: ["http://127.0.0.1:2"] }
      large: { version: "2l", upstreams: ["http://127.0.0.1:3"] }
    split: { weights: { small: 30%, large: 10% } }
    observe: { prediction: body:/p }
    analysis:
      metrics:
        errors: { kind: error-rate, maxIncrease: 0% }
        rmse: { kind: rmse, maxIncrease: 5%, labelWindow: 10m }
`

t.test('An experiment of a file is planned, each challenger for itself.', async (t) => {
  const file = join(t.testdir({}), 'serin.yaml')
  writeFileSync(file, head + RANKING + fixed)
  const { exitCode, stdout, stderr } = await run(['plan', '-c', file, '--rps', '100'])
  t.equal(stderr, '')
  t.equal(exitCode, 0)
  t.ok(widest(stdout) <= 80, stdout)
  t.match(stdout, /^ranking {2}1 vs 2s vs 2l {2}100 requests per second \(given\)\n/)
  t.match(stdout, /\n {2}small +30 % .* labelWindow of rmse \(10m\)\n {2}large +10 % /)
  t.match(stdout, /no worse, half and four of five take\n {2}metric +margin +small +large\n/)
  t.match(stdout, /that is worse\n.*\n {2}errors +100 % .*\n {2}rmse +10 % .*\n\n/)
  t.match(stdout, /that is better\n.*\n {2}errors +50 % .*\n {2}rmse +10 % .*\n\n/)
  t.match(stdout, /baseline {2}errors 1 % \(assumed\)/)
  const given = ['--rps', '100', '--error-rate', '3%', '--regression', '20%', '-o', 'json']
  const json = JSON.parse((await run(['plan', 'ranking', '-c', file, ...given])).stdout)
  t.match(json, {
    ...{ service: 'ranking', baselineVersion: '1', unit: 'request', unitsPerSecond: 100 },
    baseline: [{ name: 'errors', value: 0.03, from: 'given' }],
    comparisons: [
      { variant: 'small', version: '2s', weight: 30 },
      { variant: 'large', version: '2l', weight: 10 },
    ],
  })
  t.match(json.comparisons[0].metrics[0], { name: 'errors', regression: 0.2, improvement: 0.2 })
  t.equal(json.comparisons[0].metrics[2].better, null, 'of rmse/above-cap')
  const told = await run(['check', '-c', file, '--rps', '100', '--explain'])
  for (const [of, { p50Seconds: seconds }] of [
    ['small', json.comparisons[0]],
    ['large', json.comparisons[1]],
  ]) {
    t.ok(seconds > 600)
    const sentence = new RegExp(
      `At 100 requests a second nothing is unknown of ${of} after \\d+ min in half`,
    )
    t.match(told.stdout.replaceAll(/\s+/g, ' '), sentence)
  }
  writeFileSync(file, head + RANKING.replace(/ {6}metrics:[^]*/, '      metrics: {}\n'))
  const none = (await run(['plan', '-c', file, '--rps', '100'])).stdout
  const undecided = await run(['check', '-c', file, '--rps', '100', '--explain'])
  t.match(undecided.stdout, /At 100 requests a second small is never told apart/)
  t.match(none, /baseline {2}not compared: nothing is to be proved\n/)
})

t.test('An experiment is meant where there is no rollout, or it is named.', async (t) => {
  const file = join(t.testdir({}), 'serin.yaml')
  const first = async (text: string, ...names: string[]) => {
    writeFileSync(file, head + text)
    const { stdout, stderr } = await run(['plan', ...names, '-c', file, '--rps', '100'])
    return (stdout + stderr).split('\n')[0]
  }
  t.match(await first(RANKING + rollout('a')), /^a {2}1->2/)
  t.match(await first(RANKING + rollout('a'), 'ranking'), /^ranking {2}1 vs/)
  const all = RANKING.replace('small: 30%', 'small: 90%')
  t.match(await first(all), /has no rollout, and no experiment/, 'the baseline gets nothing')
})

const SHOP = `
  shop:
    match: { path: /shop }
    variants:
      baseline: { version: "1", upstreams: ["http://127.0.0.1:1"] }
      canary: { version: "2", upstreams: ["http://127.0.0.1:2"] }
    rollout: { steps: [ { weight: 50% }, { weight: 100% } ], maxDuration: 10m }
    analysis:
      metrics:
        bought: { kind: conversion, event: purchase, maxDecrease: 10%, window: 4s }
        clicks: { kind: ratio, numerator: click, denominator: view, maxDecrease: 10%, window: 4s }
`

t.test('What is known of other metrics is given by their names.', async (t) => {
  const file = join(t.testdir({}), 'serin.yaml')
  writeFileSync(file, head + SHOP + fixed)
  const told = ['-c', file, '--rps', '50']
  const plan = async (...argv: string[]) =>
    JSON.parse((await run(['plan', ...told, ...argv, '-o', 'json'])).stdout)
  const assumed = await plan()
  t.match(assumed.baseline, [
    { name: 'bought', value: 0.05, from: 'assumed' },
    { name: 'clicks', value: 0.05, from: 'assumed' },
  ])
  const given = await plan('--rate', 'bought=30%', '--rate', 'clicks=40%')
  t.match(given.baseline, [
    { name: 'bought', value: 0.3, from: 'given' },
    { name: 'clicks', value: 0.4, from: 'given' },
  ])
  t.ok(given.p80Seconds < assumed.p80Seconds / 2, 'frequent events are soon told apart')
  const check = (...argv: string[]) => run(['check', ...told, ...argv])
  t.match((await check()).stdout, /warning: .* too long/)
  const rates = ['--rate', 'bought=80%', '--rate', 'clicks=80%']
  t.notMatch((await check(...rates)).stdout, /too long/)
  t.match((await check(...rates, '--explain')).stdout, /is good/)

  const stray = /--rate: nobody is no metric of kind conversion, .* \(there are: bought, clicks\)/
  for (const command of ['plan', 'check']) {
    t.match(await run([command, ...told, '--rate', 'nobody=3%']), { exitCode: 1, stderr: stray })
    for (const text of ['bought', '=30%', 'bought=0%', 'bought=100%', 'bought=3']) {
      const { stderr } = await run([command, ...told, '--rate', text])
      t.match(stderr, /above 0% and below 100%: conversion=30%/)
    }
  }
  const without = await run(['check', '-c', file, '--rate', 'bought=30%'])
  t.match(without, { exitCode: 1, stderr: /give --rps too/ })
})

t.test('A gateway is asked with what is given, and refuses in its own words.', async (t) => {
  const asked: unknown[] = []
  const plan = planOf(
    service(
      rolloutSpec({
        spec: { steps: weightSteps([5, 100], 1000) },
        analysis: { metrics: [ERRORS] },
      }),
    ),
  )
  const traffic = { from: 'observed', errorRate: 0, evidence: null, exceedance: null } as const
  const deps = createFakeDeps({
    services: () => [fakeStatus(), fakeStatus(null, 'fixed')],
    forecast: (name, given, regression) => {
      asked.push([name, given, regression])
      if (given.rps === null) return null
      return forecastWithAdvice(plan, { unitsPerSecond: given.rps, ...traffic }, regression)
    },
  })
  const admin = await serveAdmin(t, deps)
  const ask = (...argv: string[]) => run(['plan', ...argv, '--admin', admin])
  const { stdout, exitCode } = await ask('credit-risk', '--rps', '50', '--error-rate', '0.5%')
  t.equal(exitCode, 0)
  t.match(stdout, /^credit-risk {2}1.4->2.0 {2}50 requests per second \(observed\)\n/)
  const given = { rps: 50, errorRate: 0.005, rates: undefined, shares: undefined }
  t.same(asked, [['credit-risk', given, null]])
  const stray = await ask('credit-risk', '--rps', '50', '--segment', 'gold=10%')
  t.match(stray, { exitCode: 1, stderr: /segments: no metric is judged by segment gold/ })
  const none = await ask('credit-risk')
  t.equal(none.exitCode, 1)
  t.match(
    none.stderr,
    /no traffic to reckon with: no request was drawn for one of its variants in the last minute\. Give it, in requests per second/,
  )
  const refused = await ask('fixed', '--rps', '50')
  t.equal(refused.exitCode, 3)
  t.match(refused.stderr, /fixed has no rollout/)
  t.equal((await ask('nobody', '--rps', '50')).exitCode, 1)
})

t.test(
  'A gateway is asked of an experiment, and its plan is shown as that of a file.',
  async (t) => {
    const compared = threeWay([ERRORS, RMSE], true)
    const deps = createFakeDeps({
      services: () => [{ ...fakeStatus(null), service: compared }],
      forecastExperiment: (name, given, regression) => {
        t.same([name, given, regression], ['svc', { rps: null, errorRate: 0.02 }, 0.3])
        const traffic = { unitsPerSecond: 90, from: 'observed', errorRate: 0.02 } as const
        const unseen = { evidence: null, exceedance: null }
        return forecastExperimentWithAdvice(
          buildExperimentPlan(compared, 'hash')!,
          { ...traffic, ...unseen },
          regression,
        )
      },
    })
    const admin = await serveAdmin(t, deps)
    const argv = ['plan', 'svc', '--error-rate', '2%', '--regression', '30%', '--admin', admin]
    const { stdout, stderr, exitCode } = await run(argv)
    t.equal(exitCode, 0, stderr)
    t.match(stdout, /^svc {2}1.4 vs B vs C {2}90 new keys per second \(observed\)\n/)
    t.match(stdout, /\n {2}challenger +weight +p50 +p80 +takes longest\n {2}b +25 % /)
    t.match(stdout, /that is worse\n.*\n {2}errors +30 % .*\n {2}rmse +30 % .*\n\n/)
    t.match(stdout, /baseline {2}errors 2 % \(given\)/)
    const json = JSON.parse((await run([...argv, '-o', 'json'])).stdout)
    t.match(json, { strategy: 'fixed', comparisons: [{ variant: 'b' }, { variant: 'c' }] })
  },
)

t.test('Check warns of a weight that is too low for the traffic that it is told.', async (t) => {
  const file = join(t.testdir({}), 'serin.yaml')
  writeFileSync(file, head + rollout('a', ', maxDuration: 3h'))
  const check = (...argv: string[]) => run(['check', '-c', file, ...argv])
  const good = `${file} is good (services: a)\n`
  for (const argv of [[], ['--rps', '200']]) {
    const { stdout } = await check(...argv)
    t.match(stdout, good)
    t.notMatch(stdout, /too long|too low/, 'without traffic it cannot tell')
  }
  const { stdout, exitCode } = await check('--rps', '2')
  t.equal(exitCode, 0, 'a warning is no mistake')
  t.match(
    stdout,
    /^warning: .*serin.yaml:10:\d+: services.a.rollout.steps\[5\]: the rollout takes too long at 2 requests per second: four of five rollouts take up to 7h 4\dm, longest by errors at 50 %, and maxDuration is 3h; allow a maxDuration of 7h 49m\n/,
  )
  writeFileSync(
    file,
    head +
      rollout('a').replace(/steps: \[.*\]/, 'steps: [ { weight: 1% }, { weight: 100% } ]') +
      fixed,
  )
  t.match(
    (await check('--rps', '1')).stdout,
    /a weight of 1 % is too low at 1 request per second: .*; raise the weight of step 1 to \d+ %, or /,
  )
  t.equal((await check('--rps', 'lots')).exitCode, 1)
})

t.test('Of blue-green the plan is what it waits for, whatever the traffic.', async (t) => {
  const file = join(t.testdir({}), 'serin.yaml')
  const steps = (text: string) => {
    const strategy = `strategy: blue-green, steps: [ ${text}, { weight: 100% } ]`
    writeFileSync(file, head + rollout('a').replace(/steps: \[.*\]/, strategy))
  }
  const plan = (...more: string[]) => run(['plan', '-c', file, '--rps', '0.1', ...more])
  steps('{ pause: 10m }, { pause: {} }')
  const { exitCode, stdout } = await plan()
  t.equal(exitCode, 0)
  t.ok(widest(stdout) <= 80, stdout)
  t.match(
    stdout.replaceAll(/\n +/g, ' '),
    /whole {5}blue-green: from 0 % to 100 % at once after 10m of pauses and an approval, without comparative proof, whatever the traffic\n$/,
  )
  t.notMatch(stdout, /maxDuration|needs proof/)
  steps('{ pause: {} }, { pause: {} }')
  t.match((await plan()).stdout, /at once after 2 approvals, without/)
  steps('{ pause: 90s }')
  t.match((await plan()).stdout, /at once after 90s of pauses, without/)
  const json = JSON.parse((await plan('-o', 'json')).stdout)
  t.match(json, { strategy: 'blue-green', watchWeight: 100, steps: [], fits: true })
})

t.test('With a holdback the plan leads to what the watch begins with.', async (t) => {
  const file = join(t.testdir({}), 'serin.yaml')
  writeFileSync(file, head + rollout('a', ', holdback: 5%, watch: 1h'))
  const { stdout } = await run(['plan', '-c', file, '--rps', '100'])
  t.match(stdout, /\n {2}whole {5}at 95 % after /)
})
