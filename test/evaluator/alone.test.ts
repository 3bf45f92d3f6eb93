import t from 'tap'
import type { BetEvidence, EventEvidence, Evidence } from '../../src/domain/evidence.ts'
import type { MetricSpec, RolloutSpec } from '../../src/domain/rollout-spec.ts'
import { Evaluator } from '../../src/evaluator/evaluator.ts'
import { ServiceBook } from '../../src/metrics/service-recorder.ts'
import { formatCount, formatPercent } from '../../src/rollout/format.ts'
import { buildPlan } from '../../src/rollout/plan.ts'
import { MemoryStore } from '../fakes/memory-store.ts'
import { quickService, simulate } from '../fakes/quick-rollout.ts'
import { command } from '../fakes/rollout.ts'
import { ERRORS, ManualClock, RMSE, rolloutSpec, service } from '../fakes/simulated-service.ts'
import { nobodyAnswers, type Fate, type Simulation } from '../fakes/simulation.ts'

const LIMITED: MetricSpec = { ...RMSE, max: 5 }
const BLUE_GREEN: Partial<RolloutSpec> = {
  strategy: 'blue-green',
  steps: [
    { kind: 'pause', durationMs: 4000 },
    { kind: 'weight', weightBp: 10_000, minDurationMs: 0, minRequests: 0 },
  ],
  watchMs: 60_000,
}

/** Blue-green with an absolute limit on labels whose cap nobody has configured. */
function blueGreen(error: (ms: number) => number, keys = 0): Promise<Simulation> {
  const metrics: readonly MetricSpec[] = [{ ...RMSE, cap: null, maxChange: null, max: 5 }]
  const of = service(rolloutSpec({ spec: BLUE_GREEN, analysis: { metrics } }), keys > 0)
  const fate = (_: unknown, _variant: string, ms: number): Partial<Fate> => ({ error: error(ms) })
  return simulate(7, keys, fate, metrics, { service: of, rps: 200 })
}

const evidenceOf = (simulation: Simulation): Evidence =>
  simulation.store.records.get('svc')!.evidence!
const rmseOf = (simulation: Simulation) => evidenceOf(simulation).hypotheses['rmse'] as BetEvidence
const watching = ({ phase }: { phase: string }) => phase === 'watching'
const ended = ({ phase }: { phase: string }) => phase === 'rolled-back' || phase === 'promoted'

t.test('after a switch a limit on labels is looked at, and rolls back', async (t) => {
  const simulation = await blueGreen((ms) => (ms < 20_000 ? 3 : 30))
  await simulation.run(18_000, () => false)
  t.equal(simulation.state.phase, 'watching')
  const { stepMoments, strata, harm, proof, sup } = rmseOf(simulation)
  t.ok(stepMoments.n[1] > 1000, `${stepMoments.n[1]} labels of the canary`)
  t.equal(stepMoments.n[0], 0)
  t.ok(Math.abs(stepMoments.sum[1] / stepMoments.n[1] - 9) < 1e-9)
  t.same(strata, [], 'nothing is compared')
  t.same(
    [harm, proof, sup],
    [[Array(7).fill(0)], Array(7).fill(0), { harm: 0, proof: 0, stepProof: 0 }],
  )
  t.same(evidenceOf(simulation).ratio.starts, [[]])
  const [report] = simulation.evaluator.view('svc')!.metrics.filter(({ name }) => name === 'rmse')
  t.match(report, { limit: { tooFew: false, ticksBeyond: 0 }, evidence: { stepHarm: null } })
  t.ok(report!.stepCanaryN > 1000)

  t.ok(await simulation.run(20_000, ended))
  t.match(simulation.store.log.at(-1), {
    action: 'rollback',
    reason: 'rmse',
    from: { phase: 'watching' },
  })
  t.ok(simulation.elapsedMs < 35_000, `found ${simulation.elapsedMs - 20_000} ms after it began`)
  const after = { after: 0, limit: 10 }
  t.same(await simulation.store.archivedCohorts('svc', '1.4->2.0#1', after), [])
  t.same(simulation.errors, [])
})

t.test('figures of the watch go on over a restart, with keys too', async (t) => {
  const simulation = await blueGreen(() => 3, 1e6)
  await simulation.run(15_000, () => false)
  const before = rmseOf(simulation).stepMoments.n[1]
  await simulation.restart()
  await simulation.run(10_000, () => false)
  t.ok(before > 500)
  t.ok(rmseOf(simulation).stepMoments.n[1] > before + 500)
  t.ok(await simulation.run(60_000, ended))
  t.match(simulation.store.log.at(-1), { reason: 'watch-over' })
  await simulation.run(10_000, () => false)
  t.same(simulation.store.records.get('svc')!.cohorts, [], 'nothing waits any more')
  t.same(simulation.errors, [])
})

t.test('what a canary was compared by stays as it was while it is watched', async (t) => {
  const of = quickService({ spec: { watchMs: 20_000 }, analysis: { metrics: [ERRORS, LIMITED] } })
  const simulation = await simulate(8, 0, () => ({}), [ERRORS, LIMITED], { service: of })
  t.ok(await simulation.run(60_000, watching))
  // What was assigned before 100 % has come by then.
  await simulation.run(4000, () => false)
  const before = evidenceOf(simulation)
  await simulation.run(10_000, () => false)
  const after = evidenceOf(simulation)
  t.equal(simulation.state.phase, 'watching')
  t.same(after.ratio, before.ratio)
  t.same([after.starts, after.stepStart], [before.starts, before.stepStart])
  for (const id of ['errors', 'rmse', 'rmse/label-missing'] as const) {
    const [was, is] = [before.hypotheses[id]!, after.hypotheses[id]!]
    t.ok(is.foldedThrough > was.foldedThrough, id)
    t.same(is.sup.harm, was.sup.harm)
    t.same(is.sup.proof, was.sup.proof)
    t.same((is as EventEvidence | BetEvidence).proof, (was as EventEvidence | BetEvidence).proof)
    t.same((is as EventEvidence).trials, (was as EventEvidence).trials)
  }
  t.equal(rmseOf(simulation).step, simulation.state.step)
  t.ok(rmseOf(simulation).stepMoments.n[1] > 10_000)
  const archived = simulation.store.archive
  t.ok(archived.length > 0 && archived.every(({ pi }) => pi < 1), 'only what was compared is kept')

  t.ok((await simulation.evaluator.command('svc', command('undo'), null))!.ok)
  await simulation.run(5000, () => false)
  t.same(simulation.errors, [])
})

t.test(
  'a rollback by a limit in the watch tells what broke it, and goes on telling it',
  async (t) => {
    const metrics = [{ ...ERRORS, max: 0.2 }]
    const of = quickService({ spec: { watchMs: 600_000 }, analysis: { metrics } })
    let failsFrom = Infinity
    const fate = (random: () => number, _: string, ms: number): Partial<Fate> =>
      ms >= failsFrom && random() < 0.4 ? { outcome: 'failed' } : {}
    const simulation = await simulate(8, 0, fate, metrics, { service: of })
    t.ok(await simulation.run(60_000, watching))
    failsFrom = simulation.elapsedMs
    t.ok(await simulation.run(60_000, ended))
    const { summary, metrics: decided } = simulation.store.log.at(-1)!
    const { canary, limit } = decided.find(({ name }) => name === 'errors')!
    t.ok(canary.value! < 0.2, 'the comparison ended before it failed')
    t.ok(limit!.canary!.value! > 0.2)
    t.equal(limit!.ticksBeyond, 3)
    const told = `${formatPercent(limit!.canary!.value!)} on the canary (n ${formatCount(limit!.canary!.n)})`
    t.match(summary, `Rolled back by errors, beyond its limit of 20 %: ${told}`)
    const verdict = () =>
      simulation.evaluator.view('svc')!.metrics.find(({ name }) => name === 'errors')!.verdict
    await simulation.run(10_000, () => false)
    t.equal(verdict(), 'failed')
    await simulation.restart()
    await simulation.run(10_000, () => false)
    t.equal(verdict(), 'failed')
    t.same(simulation.errors, [])
  },
)

t.test('replicas add to the figures of a watch', async (t) => {
  const [clock, store] = [new ManualClock(), new MemoryStore()]
  const metrics = [LIMITED]
  const of = service(rolloutSpec({ spec: BLUE_GREEN, analysis: { metrics } }))
  const start = async (holder: string) => {
    const remembered: Parameters<Evaluator['label']>[0][] = []
    const remember = (p: (typeof remembered)[number]) => void remembered.push(p)
    const book = new ServiceBook({ service: of, clock, remember, previous: null })
    const evaluator = new Evaluator({
      ...{ store, clock, holder, fetchProvider: nobodyAnswers },
      reachability: () => ({ ready: true, downForMs: 0 }),
      confirm: () => 'not-asked',
      apply: () => {},
      applyWinner: () => {},
      onDecision: () => {},
      onError: (_what, error) => t.fail(String(error)),
    })
    await evaluator.add({ plan: buildPlan(of, 'hash')!, book })
    return { book, evaluator, remembered }
  }
  const all = [await start('a'), await start('b')]
  const run = async (ms: number, serves: boolean) => {
    for (let passed = 0; passed < ms; passed += 250) {
      clock.ms += 250
      for (const { evaluator } of all) await evaluator.look()
      for (const { book, evaluator, remembered } of serves ? all : []) {
        const none = { suppressed: false, keyMissing: false, overrideRefused: false }
        const drawn = { variant: 'canary', reason: 'random', unit: null, ...none } as const
        const ticket = book.begin(drawn, 'r')
        book.end(ticket, 'ok', 200, 5)
        book.predicted(ticket, 0)
        for (const prediction of remembered.splice(0)) evaluator.label(prediction, 3)
      }
    }
  }
  await run(15_000, false)
  t.equal(all[0]!.evaluator.view('svc')!.state.phase, 'watching')
  await run(10_000, true)
  await run(15_000, false)
  const { stepMoments, strata } = store.records.get('svc')!.evidence!.hypotheses[
    'rmse'
  ] as BetEvidence
  t.same([stepMoments.n, stepMoments.sum, strata], [[0, 80], [0, 720], []])
})
