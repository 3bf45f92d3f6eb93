import t from 'tap'
import { file, problemsOf, warningsOf } from './problems-of.ts'

const SPLIT = '    split: { weights: { canary: 10% } }'
const judged = (metric: string, split = SPLIT) =>
  file({ service: `${split}\n    analysis: { metrics: { x: { ${metric} } } }` })

t.test('an experiment is compared by evidence alone', (t) => {
  for (const [metric, said] of [
    ['kind: error-rate, maxIncrease: 0%, max: 1%', /x\.max: is an absolute limit/],
    ['kind: error-rate, maxIncrease: 0%, method: threshold', /x\.method: found threshold/],
    ['kind: http, url: "http://h", max: 1', /x\.kind: found http: without a rollout/],
  ] as const) {
    t.match(problemsOf(judged(metric)).join('\n'), said)
  }
  t.same(problemsOf(judged('kind: error-rate, maxIncrease: 0%')), [])
  for (const metric of [
    'kind: conversion, event: buy, window: 1m, maxDecrease: 5%',
    'kind: sum, event: buy, field: amount, window: 1m, maxDecrease: 5%',
    'kind: mean, of: "body:/tokens", maxIncrease: 5%',
    'kind: ratio, numerator: click, denominator: view, window: 1m, maxDecrease: 5%',
  ]) {
    t.same(problemsOf(judged(metric)), [])
  }
  t.same(warningsOf(judged('kind: error-rate, maxIncrease: 0%')), [])
  t.end()
})

t.test('what an experiment does not use is warned about', (t) => {
  const whole = '    split: { weights: { canary: 100% } }'
  t.match(warningsOf(judged('kind: error-rate, maxIncrease: 0%', whole)), [
    /leaves nothing to compare/,
  ])
  t.match(warningsOf(file({ service: `${SPLIT}\n    analysis: { minRequests: 5 }` })), [
    /minRequests: is not used without a rollout/,
  ])
  t.end()
})
