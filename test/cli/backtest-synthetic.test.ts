import t from 'tap'
import type { CliIo } from '../../src/cli/cli-io.ts'
import { runCli } from '../../src/cli/program.ts'
import type { SyntheticReport } from '../../src/cli/synthetic-report.ts'
import {
  backtestConfig as config,
  QUICK_ANALYSIS as ANALYSIS,
  fileWith,
} from './backtest-config.ts'
import { createFakeIo, run } from './fake-io.ts'

const widest = (text: string) => Math.max(...text.split('\n').map((line) => line.length))

t.test('Made-up traffic shows how often and how fast the rules decide.', async (t) => {
  const file = fileWith(t, config())
  const made = ['backtest', '-c', file, '--rps', '200', '--runs', '10', '--seed', '4']
  const alike = await run(made)
  t.equal(alike.exitCode, 0)
  t.match(alike.stdout, /credit-risk +10 rollouts under .* \(seed 4\)/)
  t.match(alike.stdout, /promoted +\d+ +\d+ %/)
  t.match(alike.stdout, /nothing else differs/)
  t.match(alike.stdout, /inconclusive +0 +0 % +0 % to/)
  t.ok(widest(alike.stdout.replaceAll(file, 'other.yaml')) <= 80)
  const worse = await run([...made, '--error-rate', '8%', '--rmse', '+30%', '-o', 'json'])
  const report = JSON.parse(worse.stdout) as SyntheticReport
  const [rolledBack] = report.ends
  t.match(rolledBack, { end: 'rolled-back', count: 10, share: 1, upper: 1 })
  t.ok(rolledBack!.lower > 0.6 && rolledBack!.p50Seconds! <= rolledBack!.p80Seconds!)
  t.strictSame(
    JSON.parse((await run([...made, '--error-rate', '8%', '--rmse', '+30%', '-o', 'json'])).stdout),
    report,
  )
  const slow = `${ANALYSIS}
        slow: { kind: latency, quantile: 0.9, maxIncrease: 20% }
        right: { kind: accuracy, maxDecrease: 5%, labelWindow: 2s, minLabels: 100 }`
  const other = [
    ...made,
    '-c',
    fileWith(t, config(slow).replace('watch: 2s', 'watch: 2s\n    split: { key: header:x-user }')),
  ]
  const both = await run([...other, '--latency', '+50%', '--change', 'right=-1%'])
  t.match(both.stdout, /slow \+50 %; right\s+-1 %; every request is a new\s+key/)
  t.match(both.stdout, /\d %, \d/, 'several reasons or weights stand side by side')
  const bad = await run([...other, '--latency', '+50%', '--error-rate', '9%', '--rmse', '+30%'])
  t.match(bad.stdout, /how +rolled-back by [a-z/-]+ \d+, [a-z/-]+ \d+/)
  t.ok(widest(bad.stdout.replaceAll(/under .*$/gm, '')) <= 80)
  const changed = await run([...made, 'credit-risk', '--change', 'rmse=-5%', '--latency', '+5%'])
  t.match(changed.stdout, /rmse -5 %/)
})

const EVENTS = `${ANALYSIS}
        conversion: { kind: conversion, event: purchase, maxDecrease: 10%, window: 2s }
        revenue: { kind: sum, event: purchase, field: amount, maxDecrease: 10%, window: 2s }
        slow: { kind: latency, quantile: 0.9, max: 1s }`

t.test('A change of a conversion is drawn, and decides.', async (t) => {
  const made = ['backtest', '-c', fileWith(t, config(EVENTS)), '--rps', '200', '--runs', '5']
  const worse = [...made, '--change', 'conversion=-75%']
  t.match((await run(worse)).stdout, /conversion -75 %/)
  const { ends, ...rest } = JSON.parse((await run([...worse, '-o', 'json'])).stdout)
  t.match(rest, { traffic: { values: { conversion: [0.05, 0.0125] } } })
  t.match(ends[0], { end: 'rolled-back', count: 5, reasons: [{ reason: 'conversion', count: 5 }] })
  const { stdout } = await run([...made, '--change', 'conversion=+80%'])
  t.match(stdout, /rolled-back +0 /)
  t.match(stdout, /conversion \+80 %/)
})

t.test('A rate that is known of the baseline is drawn, and its changes are of it.', async (t) => {
  const analysis = `${EVENTS}
        right: { kind: accuracy, maxDecrease: 5%, labelWindow: 2s, minLabels: 100 }
        fixed: { kind: conversion, event: purchase, min: 1%, window: 2s, method: threshold }`
  const file = fileWith(t, config(analysis))
  const made = ['backtest', '-c', file, '--rps', '200', '--runs', '5', '--rate', 'conversion=40%']
  const known = [...made, '--rate', 'right=80%', '--change', 'conversion=-25%']
  t.match(
    (await run(known)).stdout,
    /conversion is 40 %; .*; the baseline's right is\s+80 %; conv/s,
  )
  const { ends, traffic } = JSON.parse((await run([...known, '-o', 'json'])).stdout)
  t.strictSame(
    traffic.values.conversion.map((x: number) => Math.round(x * 1e6) / 1e6),
    [0.4, 0.3],
  )
  t.strictSame(traffic.values.right, [0.8, 0.8])
  t.match(ends[0], { end: 'rolled-back', count: 5 }, 'at 5 % it would not be seen')
  t.match(
    (await run(made)).stdout,
    /revenue\s+has\s+values\s+of\s+5 %\s+\(assumed\)\s+of\s+the\s+units/,
  )
  const often = [...made, '--rate', 'revenue=90%', '--change', 'revenue=-60%']
  t.match((await run(often)).stdout, /has values of\s+90 % of the units; .* revenue\s+-60 %/s)
  const found = JSON.parse((await run([...often, '-o', 'json'])).stdout)
  t.match(found.traffic, { eventRates: { revenue: 0.9 }, values: { revenue: [1, 0.4] } })
  t.match(found.ends[0], { end: 'rolled-back', reasons: [{ reason: 'revenue' }] })
  t.match(await run([...made, '--rate', 'fixed=9%']), {
    exitCode: 1,
    stderr: /--rate fixed: made-up traffic leaves it out \(method: threshold\)/,
  })
  t.match((await run([...made, '--rate', 'rmse=9%'])).stderr, /--rate: rmse is no metric of kind/)
  const recorded = await run(['backtest', 'credit-risk', '--rate', 'conversion=40%'])
  t.match(recorded.stderr, /--rate: this describes made-up traffic, so give --rps too/)
})

t.test('A change that nothing would be decided by is refused, and told what can be.', async (t) => {
  const refused = (analysis: string, metric: string) =>
    run([
      'backtest',
      '-c',
      fileWith(t, config(analysis)),
      '--rps',
      '9',
      '--change',
      `${metric}=-9%`,
    ])
  const can = '--error-rate, --change rmse, --change conversion, --change revenue'
  const drifting = `${EVENTS}
        drifted: { kind: drift, of: prediction }`
  t.match(await refused(drifting, 'drifted'), {
    exitCode: 1,
    stderr: `--change drifted: made-up traffic leaves it out (kind: drift); what can be changed here: ${can}`,
  })
  t.match((await refused(EVENTS, 'slow')).stderr, /leaves it out \(its limit\)/)
  t.match((await refused(EVENTS, 'errors')).stderr, /--change errors: .* its own: --error-rate/)
  const alone = `
    analysis:
      metrics: { drifted: { kind: drift, of: prediction } }`
  t.match((await refused(alone, 'drifted')).stderr, /can be changed here: nothing/)
})

t.test('Options that make no sense are refused with what would.', async (t) => {
  const file = fileWith(t, config())
  const refused = async (...argv: string[]) =>
    (await run(['backtest', '-c', file, '--rps', '10', ...argv])).stderr
  t.match(await refused('--error-rate', '2'), /Write it as 1%/)
  t.match(await refused('--latency', '20'), /Give a change like \+20% or -5%/)
  t.match(await refused('--latency', '-100%'), /Give a change/)
  t.match(await refused('--change', 'rmse'), /accuracy=-5%/)
  t.match(await refused('--change', 'mae=+5%'), /no such metric \(there are: errors, rmse\)/)
  t.match(await refused('--rps', '0'), /Give a number above 0, of requests/)
  const two = `${config()}${config(ANALYSIS, 'second').split('services:\n')[1]!.split('  plain:')[0]}`
  t.match(await run(['backtest', '-c', fileWith(t, two), '--rps', '10']), {
    exitCode: 1,
    stderr: /name the service \(.* has: credit-risk, plain, second\)/,
  })
})

t.test('Progress is for terminals, and is wiped away.', async (t) => {
  let shown = ''
  let ms = 0
  const clock: CliIo['clock'] = { now: () => ms, monotonic: () => (ms += 150) }
  const stderr = { write: (text: string) => (shown += text), isTTY: true }
  const argv = ['backtest', '-c', fileWith(t, config()), '--rps', '200', '--runs', '4']
  const { io } = createFakeIo(argv, { clock, stderr })
  t.equal(await runCli(io), 0)
  t.match(shown, /2 of 4 rollouts/)
  t.ok(shown.endsWith('\r\u001B[K'))
})

t.test('What made-up traffic cannot answer is left out, and said so.', async (t) => {
  const more = `${ANALYSIS.replace('floor: 2%', 'floor: 2%, segments: true')}
        drifted: { kind: drift, of: prediction }
        slow: { kind: latency, quantile: 0.9, max: 1s }
        counted: { kind: error-rate, max: 5%, method: threshold }
        gpu: { kind: prometheus, url: "http://127.0.0.1:1", query: up, max: 0.9 }`
  const file = fileWith(
    t,
    config(more).replace(
      'observe: {',
      'observe: { segment: { from: "header:x-tier", values: [gold] },',
    ),
  )
  const made = ['backtest', '-c', file, '--rps', '200', '--runs', '5']
  const { exitCode, stdout, stderr } = await run(made)
  t.strictSame([exitCode, stderr], [0, ''])
  t.match(stdout, /gold is 50 %\s+of\s+the\s+requests\s+\(assumed\)/)
  t.match(stdout, /left out +drifted: kind: drift/)
  t.match(stdout, /left out +slow: its limit/)
  t.match(stdout, /left out +counted: method: threshold/)
  t.match(stdout, /left out +gpu: kind: prometheus/)
  t.match(stdout, /promoted +[3-5] /, 'and the rest decides')
  const report = JSON.parse((await run([...made, '-o', 'json'])).stdout) as SyntheticReport
  t.strictSame(report.leftOut[2], { metric: 'counted', what: 'method: threshold', decides: true })
  t.strictSame(
    report.leftOut.map(({ decides }) => decides),
    [false, false, true, true],
    'a promotion waits for no drift, nor for a limit that is kept',
  )
  t.match(
    stdout,
    /without +counted \(method: threshold\), gpu \(kind:\s+prometheus\): a promotion\s+waits/,
  )
  t.match(stdout, /promoted +[3-5] .* - +-$/m, 'no time that would be too short')
  t.match(report.ends[1], { end: 'promoted', p50Seconds: null, p80Seconds: null })
  t.equal(report.leftOut.length, 4)
})

t.test('Segments are drawn in the shares that are given.', async (t) => {
  const analysis = ANALYSIS.replace('floor: 2%', 'floor: 2%, segments: true')
  const observed = config(analysis).replace(
    'observe: {',
    'observe: { segment: { from: "header:x-tier", values: [gold, silver] },',
  )
  const file = fileWith(t, observed)
  const made = ['--rps', '400', '-o', 'json']
  const backtest = ['backtest', '-c', file, ...made, '--runs', '8']
  const medianOf = async (...more: readonly string[]) => {
    const report = JSON.parse((await run([...backtest, ...more])).stdout) as SyntheticReport
    return report.ends.find(({ end }) => end === 'promoted')!.p50Seconds!
  }
  const [equal, small] = [await medianOf(), await medianOf('--segment', 'gold=5%')]
  t.ok(small > 1.5 * equal, `${small} against ${equal}`)
  const planned = async (...more: readonly string[]) =>
    JSON.parse((await run(['plan', '-c', file, ...made, ...more])).stdout).p50Seconds as number
  t.ok((await planned('--segment', 'gold=5%')) > 1.5 * (await planned()))
  const told = await run([...backtest, '-o', 'table', '--segment', 'gold=5%'])
  t.match(told.stdout.replaceAll(/\s+/g, ' '), /gold is 5 % of the requests; silver is 47\.5 %/)
  const cases: [readonly string[], RegExp][] = [
    [
      ['--segment', 'bronze=5%'],
      /no metric is judged by segment bronze \(there are: gold, silver\)/,
    ],
    [['--segment', 'gold=60%', '--segment', 'silver=50%'], /gold, silver are more than 100 %/],
    [['--segment', 'gold'], /Give a segment and its share/],
    [['--segment', 'gold=0%'], /Give a segment and its share/],
  ]
  for (const [given, why] of cases) {
    for (const command of [backtest, ['plan', '-c', file, ...made]]) {
      const { exitCode, stderr } = await run([...command, ...given])
      t.not(exitCode, 0)
      t.match(stderr.replaceAll(/\s+/g, ' '), why)
    }
  }
  const check = (...more: readonly string[]) => run(['check', '-c', file, ...more])
  const explained = async (...more: readonly string[]) => {
    const { stdout } = await check('--explain', '--rps', '400', ...more)
    return / it is there after (.*?) in half of the rollouts/.exec(
      stdout.replaceAll(/\s+/g, ' '),
    )![1]
  }
  t.not(await explained('--segment', 'gold=5%'), await explained())
  const rare = await check('--rps', '400', '--segment', 'gold=0.001%')
  t.match(rare.stdout.replaceAll(/\s+/g, ' '), /warning: .* too long .*, longest by errors@gold at/)
  t.notMatch((await check('--rps', '400')).stdout, /too long/)
  t.match((await check('--rps', '400', '--segment', 'bronze=5%')).stderr, /by segment bronze/)
  t.match((await check('--segment', 'gold=5%')).stderr, /--segment tells .*: give --rps too/)
  const plain = fileWith(t, config())
  const { stderr } = await run(['backtest', '-c', plain, ...made, '--segment', 'gold=5%'])
  t.match(stderr, /no metric is judged by segment gold \(there are none\)/)
  const alone = await run(['backtest', 'm', '--segment', 'gold=5%'])
  t.match(alone.stderr, /--segment: this describes made-up traffic/)
})

t.test('The help names the defaults as they are written.', async (t) => {
  const { stdout } = await run(['backtest', '--help'])
  t.match(stdout, /the baseline's \(default: 1%\)/)
  t.notMatch(stdout, /\{\}|default: 0\.01/)
})
