import t from 'tap'
import { configOf, file, problemsOf, warningsOf } from './problems-of.ts'

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

t.test('numbers of events without a cap teach one first, which nobody is told of else', (t) => {
  const sum = 'kind: sum, event: buy, field: amount, window: 1m, maxDecrease: 5%'
  t.match(warningsOf(judged(sum)), [
    /metrics\.x: has no cap, which is learnt first: the first 1,000 units of the baseline with an event teach it/,
  ])
  t.same(warningsOf(judged(`${sum}, cap: 500`)), [])
  t.match(
    warningsOf(judged('kind: mean, event: buy, field: amount, window: 1m, maxDecrease: 5%')),
    [/the first 1,000 events of the baseline teach it/],
  )
  t.same(warningsOf(judged('kind: mean, of: "body:/tokens", maxIncrease: 5%')), [])
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

t.test('where nothing is drawn labels are shown by rule, and need no margin', (t) => {
  const rules = '    split: { rules: [ { when: { "query:n": [a] }, variant: canary } ] }'
  const observed = `    observe: { prediction: body:/p }\n${rules}`
  const rmse = 'kind: rmse, labelWindow: 1m'
  t.same(problemsOf(judged(rmse, observed)), [])
  t.same(warningsOf(judged(rmse, observed)), [])
  const [{ shown, experiment } = { shown: undefined }] = configOf(judged(rmse, observed)).services
  t.match(shown, [{ name: 'x', kind: 'rmse', labelWindowMs: 60_000 }])
  t.equal(experiment, undefined)
  t.match(warningsOf(judged('kind: error-rate, maxIncrease: 0%', observed)), [
    /x: is not used: nothing is drawn, and only metrics of labels are shown by rule/,
  ])
  t.match(warningsOf(judged(`${rmse}, maxIncrease: 5%`, '    observe: { prediction: body:/p }')), [
    /analysis: is not used: the service has neither/,
  ])
  t.match(problemsOf(judged(rmse, `    observe: { prediction: body:/p }\n${SPLIT}`)), [
    /has nothing to be judged by/,
  ])
  t.equal(configOf(judged('kind: error-rate, maxIncrease: 0%')).services[0]!.shown, undefined)
  t.end()
})
