import t from 'tap'
import { MemoryStore } from '../fakes/memory-store.ts'
import { checkLives } from './crash-and-replay/check.ts'

t.test(
  'Whatever is ordered, reloaded, seen or broken, the weights are what the log says, and a rolled-back version serves nobody without a retry.',
  async (t) => {
    const seen = await checkLives(() => new MemoryStore(), { numRuns: 200 })
    t.ok(seen.decisions > 400, JSON.stringify(seen))
    t.ok(seen.promoted > 3 && seen.rolledBack > 20 && seen.retried > 3, JSON.stringify(seen))
  },
)
