import t from 'tap'
import type { BetTally, Pair } from '../../src/domain/cohort.ts'
import type { BetEvidence } from '../../src/domain/evidence.ts'
import { simulate } from '../fakes/quick-rollout.ts'
import { ACCURACY, CONVERSION, RMSE } from '../fakes/simulated-service.ts'

t.test('the archive has the labels that were judged, and none that came later', async (t) => {
  const metrics = [RMSE, { ...ACCURACY, labelWindowMs: 4000 }, { ...CONVERSION, windowMs: 8000 }]
  // Some in the window of both, some in that of one alone, some in none.
  const delays = [500, 3600, 6500]
  const fate = (random: () => number) => ({ labelAfterMs: delays[Math.floor(3 * random())]! })
  const simulation = await simulate(7, 0, fate, metrics, { rps: 200 })
  await simulation.run(25_000, () => false)
  const all = { after: 0, limit: 1e6 }
  const archive = await simulation.store.archivedCohorts('svc', '1.4->2.0#1', all)
  for (const id of ['rmse', 'accuracy']) {
    const { hypotheses } = simulation.store.records.get('svc')!.evidence!
    const { strata, foldedThrough } = hypotheses[id] as BetEvidence
    const folded = archive.filter(({ judged, number }) => judged && number <= foldedThrough)
    const judged = sum(strata.map(({ n }) => n))
    t.ok(judged[0] > 500, `${judged[0]} labels were judged`)
    t.same(sum(folded.map(({ tallies }) => (tallies[id] as BetTally).n)), judged, id)
  }
  t.same(simulation.errors, [])
})

function sum(pairs: readonly Readonly<Pair>[]): Readonly<Pair> {
  return pairs.reduce((all, pair) => [all[0] + pair[0], all[1] + pair[1]], [0, 0])
}
