import t from 'tap'
import { errorOf, quickService, simulate } from '../fakes/quick-rollout.ts'
import { ERRORS, RMSE } from '../fakes/simulated-service.ts'
import type { Fate, Simulation } from '../fakes/simulation.ts'

const WATCH_MS = 20_000

function heldBack(
  keys: number,
  fate: (variant: string, ms: number, random: () => number) => Partial<Fate>,
): Promise<Simulation> {
  const metrics = [ERRORS, RMSE]
  const spec = { holdbackBp: 1000, watchMs: WATCH_MS }
  const random = (r: () => number, variant: string, ms: number) => fate(variant, ms, r)
  return simulate(51, keys, random, metrics, {
    service: quickService({ spec, analysis: { metrics } }, keys > 0),
  })
}

for (const [how, keys] of [
  ['without keys', 0],
  ['with keys', 200_000],
] as const) {
  t.test(`a share is held back in the watch and follows after it, ${how}`, async (t) => {
    const simulation = await heldBack(keys, (variant, _ms, random) => ({
      error: errorOf(random, variant === 'canary' ? 2.5 : 3),
    }))
    t.ok(await simulation.run(90_000, (s) => s.phase === 'watching'))
    t.equal(simulation.weightBp, 9000)
    t.ok(await simulation.run(WATCH_MS + 1000, (s) => s.phase === 'promoted'))
    t.equal(simulation.weightBp, 10_000)
    t.same(
      simulation.store.log.map((d) => d.to.weights['canary']),
      [0, 5, 20, 50, 90, 100],
    )
    const cohorts = await simulation.store.archivedCohorts('svc', '1.4->2.0#1', {
      after: 0,
      limit: 1e9,
    })
    const inWatch = cohorts.filter((cohort) => cohort.pi === 0.9)
    t.ok(inWatch.length >= 15, `${inWatch.length} cohorts of the watch are a stratum of their own`)
    t.ok(inWatch.every((cohort) => cohort.step === 3 && cohort.judged))
    t.same(simulation.errors, [])
  })
}

t.test('harm that shows only in the watch rolls back on the comparison', async (t) => {
  let watchedFrom = Infinity
  const simulation = await heldBack(0, (variant, ms, random) => ({
    error: errorOf(random, variant === 'canary' && ms > watchedFrom + 3000 ? 4.5 : 3),
  }))
  t.ok(await simulation.run(90_000, (s) => s.phase === 'watching'))
  watchedFrom = simulation.elapsedMs
  t.ok(await simulation.run(WATCH_MS, (s) => s.phase === 'rolled-back'))
  t.match(simulation.store.log.at(-1), {
    action: 'rollback',
    reason: 'rmse',
    from: { phase: 'watching', weights: { baseline: 10, canary: 90 } },
    to: { weights: { canary: 0 } },
  })
})

t.test('the watch has start points of its own, spread over it', async (t) => {
  const simulation = await heldBack(0, (_variant, _ms, random) => ({ error: errorOf(random, 3) }))
  t.ok(await simulation.run(90_000, (s) => s.phase === 'watching'))
  const startsNow = () => simulation.store.records.get('svc')!.evidence!.starts
  const before = startsNow().length
  await simulation.run(WATCH_MS - 1000, () => false)
  const inWatch = startsNow().slice(before)
  t.ok(inWatch.length >= 4, `${inWatch.length} of them`)
  const gaps = inWatch.slice(1).map((cohort, i) => cohort - inWatch[i]!)
  t.ok(Math.min(...gaps) >= 2, 'and not all at once')
})

t.test('a restart in the watch goes on with what is held back', async (t) => {
  const simulation = await heldBack(0, (_variant, _ms, random) => ({ error: errorOf(random, 3) }))
  t.ok(await simulation.run(90_000, (s) => s.phase === 'watching'))
  await simulation.restart()
  t.equal(simulation.weightBp, 9000)
  t.ok(await simulation.run(WATCH_MS, (s) => s.phase === 'promoted'))
  t.equal(simulation.weightBp, 10_000)
})
