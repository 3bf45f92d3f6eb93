import t from 'tap'
import { kindOfSplit } from '../../src/domain/kind-of-split.ts'

t.test('Without a rollout a service compares, splits by key, or has weights.', (t) => {
  const whole = { baseline: 100, canary: 0 }
  const parts = { baseline: 90, canary: 10 }
  const plain = { comparisons: [], rules: [], weights: parts }
  t.equal(kindOfSplit(plain), 'fixed weights')
  t.equal(kindOfSplit({ ...plain, rules: [{}] }), 'fixed weights', 'the rest is drawn')
  t.equal(kindOfSplit({ ...plain, weights: whole }), 'fixed weights', 'nothing leads elsewhere')
  t.equal(kindOfSplit({ ...plain, weights: whole, rules: [{}] }), 'key split')
  t.equal(kindOfSplit({ ...plain, comparisons: [{}], rules: [{}] }), 'experiment')
  t.end()
})
