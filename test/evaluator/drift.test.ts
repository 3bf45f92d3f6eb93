import t from 'tap'
import { createRandom } from '../../src/demo/seeded-random.ts'
import type { OnFailure } from '../../src/domain/rollout-spec.ts'
import { drawDrift } from '../fakes/drift-run.ts'
import { quickService, simulate } from '../fakes/quick-rollout.ts'
import type { Simulation } from '../fakes/simulation.ts'
import { DRIFT, ERRORS, weightSteps } from '../fakes/simulated-service.ts'

const reportOf = (simulation: Simulation) =>
  simulation.evaluator.view('svc')!.metrics.find((m) => m.name === 'drift')!

/** A canary whose predictions lie half a standard deviation higher, and one that is well else. */
function shifted(seed: number, onFailure: OnFailure, keys = 0): Promise<Simulation> {
  const metrics = [ERRORS, { ...DRIFT, onFailure }]
  const steps = weightSteps([5, 20, 50, 100], 50).map((s) => ({ ...s, minDurationMs: 8000 }))
  return simulate(
    seed,
    keys,
    (random, variant) => ({ prediction: normal(random) + (variant === 'canary' ? 0.5 : 0) }),
    metrics,
    { rps: 1000, service: quickService({ spec: { steps }, analysis: { metrics } }, keys > 0) },
  )
}

function normal(random: () => number): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())
}

t.test('a canary whose predictions shift is flagged, and promoted all the same', async (t) => {
  const simulation = await shifted(1, 'warn')
  await simulation.run(14_000, () => false)
  const before = reportOf(simulation)
  t.ok(before.canary.n > 0 && before.drift!.edges.length === 9, 'bins are known')
  await simulation.restart()
  await simulation.run(1000, () => false)
  t.same(reportOf(simulation).drift!.edges, before.drift!.edges, 'and outlive a restart')
  t.ok(reportOf(simulation).canary.n >= before.canary.n * 0.9, 'with what was counted')
  t.ok(await simulation.run(120_000, (s) => s.phase === 'promoted'))
  const flagged = simulation.store.log.findLast((d) => d.metrics.length > 0)!.metrics
  const report = flagged.find((m) => m.name === 'drift')!
  t.equal(report.verdict, 'failed')
  t.ok(report.drift!.psi > 0.15 && report.drift!.psi < 0.4, `PSI ${report.drift!.psi}`)
  t.same(simulation.errors, [])
})

t.test('asked to pause or to roll back, a flagged drift does, with keys too', async (t) => {
  const paused = await shifted(2, 'pause', 60_000)
  t.ok(await paused.run(60_000, (s) => s.phase === 'paused'))
  t.match(paused.state, { pausedBy: 'metric', pausedMetric: 'drift' })
  const rolledBack = await shifted(3, 'rollback')
  t.ok(await rolledBack.run(60_000, (s) => s.phase === 'rolled-back'))
  t.match(rolledBack.state, { rolledBackReason: 'drift' })
})

t.test('variants that predict alike are flagged at most as often as α says', (t) => {
  const random = createRandom(4)
  const runs = 300
  let shown = 0
  let flagged = 0
  for (let run = 0; run < runs; run++) {
    const end = drawDrift(random, { cohorts: 30, units: 300, shift: () => 0 })
    if (end.shownAt !== null) shown++
    if (end.flaggedAt !== null) flagged++
  }
  // P(more than 8 of 300) is 0.3 % where each has 1 %.
  t.ok(shown <= 8, `${shown} of ${runs} reach 1/α`)
  t.ok(flagged <= shown, `${flagged} of ${runs} are flagged`)
  t.end()
})

t.test('half a standard deviation is found within some thousand requests', (t) => {
  const random = createRandom(5)
  const found = Array.from({ length: 20 }, () =>
    drawDrift(random, { cohorts: 60, units: 300, shift: () => 0.5 }),
  )
  const times = found.map((end) => end.flaggedAt ?? Infinity).toSorted((a, b) => a - b)
  t.ok(times[10]! < 15, `median ${times[10]} cohorts of 300 requests`)
  t.end()
})
