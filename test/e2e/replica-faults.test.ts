import t from 'tap'
import { checkReplicas } from './support/check-replicas.ts'
import { skipWithout } from './support/programs.ts'
import { FAULTS } from './support/replica-faults.ts'

t.test(
  'Three gateways act as one while what they run on fails, in three orders.',
  skipWithout('redis-server'),
  async (t) => {
    t.testdir({})
    const caused = await Promise.all([1, 4, 15].map((seed) => checkReplicas(t, seed, 2)))
    t.same(new Set(caused.flat()), new Set(FAULTS), 'each fault has come')
  },
)
