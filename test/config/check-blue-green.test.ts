import t from 'tap'
import { checkCases, configOf, file, warningsOf } from './problems-of.ts'

const ANALYSIS = 'analysis: { metrics: { slow: { kind: latency, quantile: 0.95, max: 500ms } } }'
const OVERRIDE = 'split: { override: { header: x-serin-variant, secret: sixteen--letters } }'
const rollout = (more: string, ...parts: string[]) =>
  file({ service: [`rollout: { ${more} }`, ...parts].map((part) => `    ${part}`).join('\n') })
const blueGreen = (steps: string, more = '') =>
  rollout(`strategy: blue-green, steps: [ ${steps} ]${more}`)

t.test('blue-green has pauses and then one weight, the switch', (t) => {
  const weights = (n: number) =>
    `rollout.steps: found ${n} weights: blue-green has one, and it is the last step: { weight: 100% }`
  const pause =
    'rollout.steps: found no pause before the switch: { pause: {} } waits for approval while the canary is previewed'
  checkCases(
    t,
    [
      ['{ pause: {} }, { weight: 100% }'],
      ['{ pause: 10m }, { pause: {} }, { weight: 100% }'],
      ['{ pause: {} }', weights(0)],
      ['{ weight: 100% }', pause],
      ['{ weight: 100% }, { pause: {} }', weights(1)],
      [
        '{ pause: {} }, { weight: 5% }, { weight: 100% }',
        weights(2),
        'rollout.steps[1].weight: found 5%: the only weight of blue-green is 100%, the switch',
      ],
      [
        '{ pause: {}, minRequests: 5 }, { weight: 100%, minDuration: 1m, minRequests: 9 }',
        'rollout.steps[0].minRequests: has no meaning in a pause: it belongs to a weight step',
        'rollout.steps[1].minDuration: has no meaning at the switch, which is left at once',
        'rollout.steps[1].minRequests: has no meaning at the switch, which is left at once',
      ],
    ],
    blueGreen,
  )
  t.end()
})

t.test('what only a comparison has a use for is refused', (t) => {
  const means = (key: string, why: string) =>
    `${key}: has no meaning with strategy: blue-green: ${why}`
  const paused = 'it does not run in pauses, and every step before the switch is one'
  const compared = 'nothing is compared before the switch, so nothing can be inconclusive'
  checkCases(
    t,
    [
      ['holdback: 0%, watch: 1h, start: manual, cooldown: 0, fallback: baseline'],
      ['maxDuration: 1h', means('rollout.maxDuration', paused)],
      ['onInconclusive: rollback', means('rollout.onInconclusive', compared)],
      [
        'holdback: 5%',
        'rollout.holdback: found 5% with strategy: blue-green, which moves everybody at once: a share that stays behind needs strategy: canary',
      ],
    ],
    (more) => blueGreen('{ pause: {} }, { weight: 100% }', `, ${more}`),
  )
  const minimum = rollout(
    'strategy: blue-green, steps: [ { pause: {} }, { weight: 100% } ]',
    'analysis: { minRequests: 5 }',
  )
  checkCases(
    t,
    [['', means('analysis.minRequests', 'no step judges requests before it is left')]],
    () => minimum,
  )
  t.end()
})

t.test('a preview that nobody reaches and a switch that nobody approves are warned about', (t) => {
  const steps = (pauses: string) => `strategy: blue-green, steps: [ ${pauses}, { weight: 100% } ]`
  const technical = /only technical metrics decide/
  t.match(warningsOf(rollout(steps('{ pause: {} }'), ANALYSIS, OVERRIDE)), [technical])
  t.match(warningsOf(rollout(steps('{ pause: {} }'), ANALYSIS)), [
    /rollout.strategy: previews by override, and nobody can reach the preview without split.override/,
    technical,
  ])
  t.match(warningsOf(rollout(steps('{ pause: 9m }, { pause: 10m }'), ANALYSIS, OVERRIDE)), [
    /rollout.steps: every pause is timed: the canary gets 100 % without proof and without anybody/,
    technical,
  ])
  t.end()
})

t.test('metrics that only compare are warned about, for blue-green never does', (t) => {
  const metrics = [
    'errors: { kind: error-rate, maxIncrease: 0%, max: 2% }',
    'slow: { kind: latency, quantile: 0.9, maxIncrease: 5% }',
    'shown: { kind: latency, quantile: 0.5, maxIncrease: 5%, mode: report }',
    'right: { kind: accuracy, maxDecrease: 5%, labelWindow: 1m }',
    'drift: { kind: drift, of: prediction }',
    'gpu: { kind: prometheus, url: "http://127.0.0.1:9", query: "g{{version}}", maxIncrease: 5%, method: threshold }',
    'old: { kind: error-rate, max: 5%, method: threshold }',
  ]
  const text = rollout(
    'strategy: blue-green, steps: [ { pause: {} }, { weight: 100% } ]',
    `analysis: { metrics: { ${metrics.join(', ')} } }`,
    OVERRIDE,
    'observe: { prediction: body:/p }',
  )
  t.match(warningsOf(text), [
    /metrics.slow: is compared .*which blue-green never does: without an absolute limit \(max\)/,
    /metrics.right: .*without an absolute limit \(min\) it decides nothing/,
    /metrics.drift: is compared with the baseline/,
  ])
  t.equal(warningsOf(text).length, 3)
  t.end()
})

t.test('a holdback leaves the canary more than the step before the watch', (t) => {
  const at = (holdback: string, watch = '1h') =>
    `steps: [ { weight: 5% }, { weight: 60% }, { pause: {} }, { weight: 100% } ], holdback: ${holdback}, watch: ${watch}`
  const rises =
    'it must be less than 40%, since the step before the watch gives the canary 60% and weights must rise'
  checkCases(
    t,
    [
      [at('39%')],
      [at('0', '0')],
      [at('40%'), `rollout.holdback: found 40%: ${rises}`],
      [at('100%'), `rollout.holdback: found 100%: ${rises}`],
      [
        at('5%', '0'),
        'rollout.holdback: found 5% with watch: 0: a holdback lasts as long as the watch',
      ],
      [
        'steps: [ { weight: 100% } ], holdback: 5%',
        'rollout.steps: found no weight below 100%: at least one must come before it',
      ],
      ['steps: [ { weight: 5% }, { weight: 100% } ], holdback: 5%'],
    ],
    (more) => rollout(more),
  )
  t.match(configOf(rollout(at('2.5%'))).services[0]!.rollout, {
    strategy: 'canary',
    holdbackBp: 250,
  })
  t.equal(
    configOf(blueGreen('{ pause: {} }, { weight: 100% }')).services[0]!.rollout!.strategy,
    'blue-green',
  )
  t.end()
})

t.test('labels that come after a holdback are warned about', (t) => {
  const text = (watch: string, labelWindow = '10m') =>
    rollout(
      `steps: [ { weight: 5% }, { weight: 100% } ], holdback: 5%, watch: ${watch}`,
      `analysis: { metrics: { p99: { kind: latency, quantile: 0.99, max: 1s }, rmse: { kind: rmse, maxIncrease: 5%, labelWindow: ${labelWindow} } } }`,
      'observe: { prediction: body:/p }',
    )
  t.same(warningsOf(text('11m')), [])
  t.match(warningsOf(text('10m')), [
    /metrics.rmse: waits 10m for feedback, and the watch with its holdback of 5 % is over after 10m/,
  ])
  const sales = 'sales: { kind: conversion, event: buy, maxDecrease: 5%, window: 1h }'
  t.match(warningsOf(text('11m').replace('metrics: {', `metrics: { ${sales},`)), [
    /metrics.sales: waits 1h for feedback/,
  ])
  const none = warningsOf(text('10m').replace('holdback: 5%', 'holdback: 0'))
  t.match(none, [/nothing is compared, so in the watch only the breaker leads back/])
  t.equal(none.length, 1)
  t.end()
})
