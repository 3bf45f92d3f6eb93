import t from 'tap'
import { describeStrayRate } from '../../src/rollout/given-rates.ts'
import { ACCURACY, BASKET, CLICKS, CONVERSION, RMSE, TOKENS } from '../fakes/simulated-service.ts'

const stray = (name: string, metrics: Parameters<typeof describeStrayRate>[1]) =>
  describeStrayRate(new Map([[name, 0.3]]), metrics)

t.test('A rate is one of a metric that a share is assumed of.', (t) => {
  const metrics = [ACCURACY, BASKET, CLICKS, CONVERSION, RMSE, TOKENS]
  for (const name of ['accuracy', 'basket', 'clicks', 'conversion'])
    t.equal(stray(name, metrics), null)
  t.equal(describeStrayRate(new Map(), []), null)
  const kinds = 'is no metric of kind conversion, sum, mean (of an event), ratio, accuracy'
  const there = '(there are: accuracy, basket, clicks, conversion)'
  t.equal(stray('tokens', metrics), `tokens ${kinds} ${there}`)
  t.equal(stray('click', metrics), `click ${kinds} ${there}: did you mean "clicks"?`)
  t.equal(stray('rmse', [RMSE]), `rmse ${kinds} (there are none)`)
  t.end()
})
