import t from 'tap'
import { file, warningsOf } from './problems-of.ts'

const CANARY = 'steps: [ { weight: 5% }, { weight: 100% } ]'
const BLUE_GREEN = 'strategy: blue-green, steps: [ { pause: {} }, { weight: 100% } ]'
const RMSE = 'kind: rmse, maxIncrease: 5%, labelWindow: 10m'

/** What is said of limits that come too late for the watch. */
const late = (rollout: string, metric: string) =>
  warningsOf(
    file({
      service: `    observe: { prediction: body:/p }
    rollout: { ${rollout} }
    analysis: { metrics: { quality: { ${metric} } } }`,
    }),
  ).filter((warning) => warning.includes('its limit is never looked at'))

t.test('limits whose feedback comes after the watch are warned about', async (t) => {
  t.match(late(`${CANARY}, watch: 10m`, `${RMSE}, max: 3`), [
    /metrics.quality: waits 10m for feedback, and the watch is over after 10m: its limit is never looked at while the canary has 100 %$/,
  ])
  const sales = 'kind: conversion, event: buy, maxDecrease: 5%, window: 1h, min: 10%'
  t.match(late(`${BLUE_GREEN}, watch: 30m`, sales), [/waits 1h for feedback/])

  t.same(late(`${CANARY}, watch: 11m`, `${RMSE}, max: 3`), [])
  t.same(late(`${CANARY}, watch: 10m`, RMSE), [], 'it has no limit')
  t.same(late(`${CANARY}, watch: 0`, `${RMSE}, max: 3`), [], 'there is no watch')
  t.same(late(`${CANARY}, watch: 10m, holdback: 5%`, `${RMSE}, max: 3`), [], 'that is said apart')
  t.same(late(`${CANARY}, watch: 1m`, 'kind: error-rate, max: 3%'), [], 'it waits for nothing')
})
