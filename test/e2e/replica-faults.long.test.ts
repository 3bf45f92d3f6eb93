import t from 'tap'
import { checkReplicas } from './support/check-replicas.ts'
import { skipWithout } from './support/programs.ts'

const SEEDS = 50

t.test(
  'Three gateways act as one while what they run on fails, in fifty orders.',
  { ...skipWithout('redis-server'), timeout: 3_600_000, jobs: 2 },
  async (t) => {
    for (let seed = 1; seed <= SEEDS; seed += 1) {
      const options = { timeout: 600_000, buffered: true }
      void t.test(`with seed ${seed}`, options, async (t) => {
        t.testdir({})
        await checkReplicas(t, seed, 4)
      })
    }
  },
)
