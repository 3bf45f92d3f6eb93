import t from 'tap'
import { isScorable, rawScore, scoreMean, scoreValue } from '../../src/statistics/score.ts'
import { near } from './near.ts'

t.test('RMSE and MAE are of absolute errors, accuracy of predictions that are their label', (t) => {
  t.equal(rawScore('squared-error', 3, 5), 2)
  t.equal(rawScore('absolute-error', 5, 3), 2)
  t.equal(rawScore('correct', 2, 2), 1)
  t.equal(rawScore('correct', 2, 3), 0)
  t.end()
})

t.test('log-loss is the surprise at what happened, and is never infinite', (t) => {
  near(t, rawScore('log-loss', 0.8, 1)!, -Math.log(0.8))
  near(t, rawScore('log-loss', 0.8, 0)!, -Math.log(0.2))
  t.equal(rawScore('log-loss', 1, 1), -0)
  near(t, rawScore('log-loss', 0, 1)!, 34.538776394910684)
  t.end()
})

t.test('log-loss takes labels 0 and 1 and probabilities alone', (t) => {
  for (const [prediction, label] of [
    [0.5, 0.5],
    [0.5, 2],
    [1.01, 1],
    [-0.01, 0],
    [Number.NaN, 1],
  ] as const) {
    t.equal(rawScore('log-loss', prediction, label), null, `${prediction} for ${label}`)
  }
  for (const prediction of [0, 0.5, 1]) t.ok(isScorable('log-loss', prediction))
  for (const prediction of [1.01, -0.01, Number.NaN]) {
    t.notOk(isScorable('log-loss', prediction), `${prediction}`)
  }
  t.ok(isScorable('correct', -7), 'any other score takes any number')
  t.end()
})

t.test('RMSE alone is compared by squares and shown as a root', (t) => {
  t.equal(scoreValue('squared-error', 3), 9)
  t.equal(scoreMean('squared-error', 9), 3)
  for (const score of ['absolute-error', 'log-loss', 'correct'] as const) {
    t.equal(scoreValue(score, 3), 3)
    t.equal(scoreMean(score, 3), 3)
  }
  t.end()
})
