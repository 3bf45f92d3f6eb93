import t from 'tap'
import { errorOf, quickService, simulate } from '../fakes/quick-rollout.ts'
import { ERRORS, RMSE } from '../fakes/simulated-service.ts'

const MINUTE = 60_000

/** A canary whose error doubles some minutes into a watch of half an hour, under an absolute limit. */
async function watch(rms: { readonly at: number; readonly late: number }) {
  const metrics = [ERRORS, { ...RMSE, max: 4 }]
  let breaksAt = Infinity
  const simulation = await simulate(
    7,
    0,
    (random, variant, ms) => ({
      error: errorOf(random, variant === 'canary' && ms >= breaksAt ? rms.late : 3),
    }),
    metrics,
    {
      rps: 10,
      service: quickService({ spec: { watchMs: 30 * MINUTE }, analysis: { metrics } }),
    },
  )
  t.ok(await simulation.run(20 * MINUTE, (s) => s.phase === 'watching'))
  const began = simulation.elapsedMs
  breaksAt = began + rms.at
  const isOver = await simulation.run(
    31 * MINUTE,
    (s) => s.phase === 'rolled-back' || s.phase === 'promoted',
  )
  t.ok(isOver)
  t.same(simulation.errors, [])
  return { simulation, lastedMs: simulation.elapsedMs - began }
}

t.test(
  'a model that gets worse late in its watch is found by what its labels say of late',
  async (t) => {
    const { simulation, lastedMs } = await watch({ at: 15 * MINUTE, late: 6 })
    t.match(simulation.store.log.at(-1), { action: 'rollback', reason: 'rmse' })
    t.match(simulation.store.log.at(-1)!.summary, /beyond its limit of 4/)
    // An average of the watch would be beyond it after another five minutes.
    t.ok(lastedMs < 17 * MINUTE, `${lastedMs / MINUTE} minutes`)
  },
)

t.test('one that stays below its limit is promoted', async (t) => {
  const { simulation } = await watch({ at: 15 * MINUTE, late: 3.7 })
  t.match(simulation.store.log.at(-1), { to: { phase: 'promoted' } })
})
