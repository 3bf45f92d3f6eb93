import t from 'tap'
import { checkCases, configOf, file } from './problems-of.ts'

const ROLLOUT = '    rollout: { steps: [ { weight: 5% }, { weight: 100% } ] }'
const metrics = (found: string) =>
  file({ service: `${ROLLOUT}\n    analysis: { metrics: { ${found} } }` })
const built = (found: string) =>
  configOf(metrics(`x: { ${found} }`)).services[0]!.rollout!.analysis.metrics[0]!

t.test('metrics of events and answers are built with units and defaults', (t) => {
  const common = {
    name: 'x',
    onFailure: 'rollback',
    mode: 'decide',
    better: 'higher',
    maxChange: 0.1,
    sensitivity: 0.05,
    max: null,
    min: null,
  }
  t.same(built('kind: conversion, event: buy, maxDecrease: 10%, window: 30m'), {
    ...{ ...common, kind: 'conversion', event: 'buy', windowMs: 1_800_000, floor: 0 },
  })
  t.same(
    built('kind: conversion, event: quit, maxIncrease: 10%, window: 30m, floor: 1%, max: 5%'),
    {
      ...{ ...common, kind: 'conversion', event: 'quit', windowMs: 1_800_000 },
      ...{ better: 'lower', floor: 0.01, max: 0.05 },
    },
  )
  t.match(built('kind: conversion, event: quit, maxIncrease: 10%, window: 1m'), { floor: 0.001 })
  t.same(built('kind: sum, event: buy, field: amount, maxDecrease: 10%, window: 1m, cap: 500'), {
    ...{ ...common, kind: 'sum', event: 'buy', field: 'amount', windowMs: 60_000, cap: 500 },
  })
  t.match(built('kind: sum, event: buy, field: value, min: 2, window: 1m'), {
    ...{ field: null, cap: null, min: 2, maxChange: null, better: 'higher' },
  })
  t.match(built('kind: sum, event: buy, better: lower, max: 2, window: 1m'), { better: 'lower' })
  t.same(built('kind: mean, of: body:/n/tokens, maxIncrease: 10%, sensitivity: 20%'), {
    ...{ ...common, better: 'lower', sensitivity: 0.2, kind: 'mean', windowMs: 0 },
    ...{ from: { in: 'answer', pointer: '/n/tokens' }, minLabels: 300, cap: null },
  })
  t.match(
    built('kind: mean, event: rated, field: stars, maxDecrease: 1%, window: 1h, minLabels: 9'),
    {
      ...{
        from: { in: 'event', event: 'rated', field: 'stars' },
        windowMs: 3_600_000,
        minLabels: 9,
      },
    },
  )
  t.match(built('kind: mean, event: rated, maxDecrease: 1%, window: 1h'), {
    from: { in: 'event', event: 'rated', field: null },
  })
  t.same(built('kind: ratio, numerator: click, denominator: view, maxDecrease: 10%, window: 1m'), {
    ...{ ...common, kind: 'ratio', numerator: 'click', denominator: 'view' },
    ...{ windowMs: 60_000, cap: 10 },
  })
  t.end()
})

t.test('requests are remembered where events are counted, answers read where numbers are', (t) => {
  const observe = (found: string) => configOf(metrics(found)).services[0]!.observe
  t.match(observe('x: { kind: error-rate, max: 1% }'), { numbers: [], awaitsEvents: false })
  t.match(observe('x: { kind: mean, of: body:/a, max: 1 }'), {
    ...{ numbers: ['/a'], awaitsEvents: false, prediction: null },
  })
  t.match(observe('x: { kind: conversion, event: e, window: 1m, min: 1% }'), {
    ...{ numbers: [], awaitsEvents: true },
  })
  t.end()
})

t.test('what a metric says of itself has to go together', (t) => {
  const at = 'analysis.metrics.x'
  const needs = 'it needs maxDecrease or maxIncrease, and/or min and max'
  checkCases(
    t,
    [
      ['kind: conversion, event: e, window: 1m', `${at}: has nothing to be judged by: ${needs}`],
      [
        'kind: conversion, event: e, window: 8d, min: 1%',
        `${at}.window: found 8d, allowed is at most feedback.retention (7d)`,
      ],
      [
        'kind: sum, event: e, window: 1m, maxIncrease: 1%, maxDecrease: 1%',
        `${at}: found both maxIncrease and maxDecrease: one of them says which direction is good`,
      ],
      [
        'kind: sum, event: e, window: 1m, maxIncrease: 1%, better: higher',
        `${at}.maxIncrease: limits a rise, but better says that higher is good: name maxDecrease`,
      ],
      [
        'kind: sum, event: e, window: 1m, maxDecrease: 1%, better: lower',
        `${at}.maxDecrease: limits a fall, but better says that lower is good: name maxIncrease`,
      ],
      ['kind: sum, event: e, window: 1m, maxDecrease: 1%, better: higher'],
      [
        'kind: conversion, event: e, window: 1m, maxDecrease: 100%',
        `${at}.maxDecrease: found 100%, allowed is a fall of less than 100%`,
      ],
      [
        'kind: conversion, event: e, window: 1m, maxDecrease: 0, sensitivity: 200%',
        `${at}.sensitivity: found 200%, allowed is a fall of less than 100%`,
      ],
      [
        'kind: conversion, event: e, window: 1m, maxDecrease: 1%, floor: 1%',
        `${at}.floor: is a rise that is allowed, so it needs maxIncrease (lower is better)`,
      ],
      [
        'kind: mean, max: 1',
        `${at}: has no number to read: it needs \`of\` (in the answer), or \`event\` and \`window\``,
      ],
      [
        'kind: mean, max: 1, of: body:/a, event: e, window: 1m',
        `${at}: found both of and event: the number is read in one place`,
      ],
      [
        'kind: mean, max: 1, event: e',
        `${at}: reads events, so it needs a window that says how long they are waited for`,
      ],
      [
        'kind: mean, max: 1, of: body:/a, field: b, window: 1m',
        `${at}.field: has no meaning for a number in the answer: it belongs to event`,
      ],
      [
        'kind: mean, max: 1, of: body:/a, window: 30s',
        `${at}.window: found 30s, allowed is more than 30s: answers are waited for so long anyway`,
      ],
      ['kind: mean, max: 1, of: body:/a, window: 31s'],
      // No record waits for it.
      ['kind: mean, max: 1, of: body:/a, window: 8d'],
      ['kind: mean, max: 1, event: e, window: 1m'],
      [
        'kind: ratio, max: 1, window: 1m, numerator: e, denominator: e',
        `${at}.denominator: found e, which is the numerator too: the ratio would always be 1`,
      ],
    ],
    (found) => metrics(`x: { ${found} }`),
  )
  t.end()
})
