import t from 'tap'
import { simulate } from '../fakes/quick-rollout.ts'
import { RMSE } from '../fakes/simulated-service.ts'

/** |error| of a normal distribution of spread 1. */
function normal(random: () => number): number {
  return Math.abs(Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random()))
}

/** A rollout whose cap is learnt while errors are small; they are `later` times as large from the eighth second on. */
function begun(seed: number, later: number, canary: number, cap: number | null) {
  return simulate(
    seed,
    0,
    (random, variant, ms) => {
      const times = (ms < 8000 ? 1 : later) * (variant === 'canary' ? canary : 1)
      return { error: times * normal(random) }
    },
    [{ ...RMSE, cap }],
    { rps: 1000 },
  )
}

t.test('nothing is proved by a cap that was learnt while values were small', async (t) => {
  for (const [later, canary] of [
    [2, 1.05],
    [10, 1.2],
  ] as const) {
    for (const seed of [1, 2, 3]) {
      const simulation = await begun(seed, later, canary, null)
      const isOver = await simulation.run(90_000, (s) => s.phase !== 'progressing')
      t.notOk(isOver, `× ${later}, canary × ${canary}: ${simulation.state.phase}`)
      t.match(simulation.store.log.at(-1), {
        action: 'hold',
        reason: 'inconclusive',
        summary:
          /rmse\/above-cap: [\d.]+ % of the baseline's values are above [34][\d.]*, the cap that was learnt from its first ones, .*: set `cap` of rmse/,
      })
    }
  }
})

t.test(
  'a cap that is configured is as it is meant, and one of values that stayed proves',
  async (t) => {
    for (const [later, cap] of [
      [2, 4],
      [1.2, null],
    ] as const) {
      const simulation = await begun(1, later, 1, cap)
      t.ok(await simulation.run(90_000, (s) => s.phase === 'watching'), `× ${later}, ${cap}`)
    }
  },
)
