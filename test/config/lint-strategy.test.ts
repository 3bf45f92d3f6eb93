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

t.test('proofs whose feedback comes after maxDuration are warned about', async (t) => {
  const about = (rollout: string, metric: string) =>
    warningsOf(
      file({
        service: `    observe: { prediction: body:/p }
    rollout: { ${rollout} }
    analysis: { metrics: { quality: { ${metric} } } }`,
      }),
    ).filter((warning) => warning.includes('maxDuration'))
  t.match(about(`${CANARY}, maxDuration: 10m`, RMSE), [
    /metrics.quality: waits 10m for feedback, and maxDuration is 10m: nothing of it is judged in that time; allow more, or judge by what comes sooner$/,
  ])
  const sales = 'kind: conversion, event: buy, maxDecrease: 5%, window: 2d'
  t.match(about(CANARY, sales), [/waits 2d for feedback, and maxDuration is 1d/])

  t.same(about(`${CANARY}, maxDuration: 30m`, RMSE), [])
  t.same(about(CANARY, `${sales}, mode: report`), [], 'nothing waits for it')
  t.same(about(CANARY, `${sales}, onFailure: warn`), [], 'nor for what only warns')
  const limit = 'kind: rmse, max: 3, labelWindow: 2d'
  t.same(about(CANARY, limit), [], 'a limit is not proved')
  t.same(about(BLUE_GREEN, sales), [], 'it compares nothing')
})

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
