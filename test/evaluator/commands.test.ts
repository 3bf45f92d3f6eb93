import t from 'tap'
import type { Command } from '../../src/domain/decision.ts'
import type { EventEvidence } from '../../src/domain/evidence.ts'
import { buildPlan } from '../../src/rollout/plan.ts'
import { rolloutId } from '../../src/domain/rollout-state.ts'
import { errorOf, quickService, simulate } from '../fakes/quick-rollout.ts'
import { command } from '../fakes/rollout.ts'
import { ERRORS, RMSE, weightSteps } from '../fakes/simulated-service.ts'
import type { Simulation } from '../fakes/simulation.ts'

const PLAIN = () => ({})

function order(
  simulation: Simulation,
  verb: Command['verb'],
  change: object = {},
  ifMatch: number | null = null,
) {
  return simulation.evaluator.command('svc', command(verb, change), ifMatch)
}

async function running(seed: number): Promise<Simulation> {
  const simulation = await simulate(seed, 0, PLAIN, [ERRORS])
  t.ok(await simulation.run(20_000, (s) => s.step === 1))
  return simulation
}

t.test(
  'a command given for an older state is refused, one for this state is carried out',
  async (t) => {
    const simulation = await running(31)
    const { revision } = simulation.state
    t.match(await order(simulation, 'pause', {}, revision - 1), {
      ok: false,
      code: 'SERIN_STALE_REVISION',
      detail: `the rollout is at revision ${revision}, not ${revision - 1}: read it again`,
    })
    t.equal(simulation.state.phase, 'progressing')
    const paused = await order(simulation, 'pause', { note: 'lunch' }, revision)
    t.match(paused, { ok: true, decision: { action: 'pause', actor: 'ops', note: 'lunch' } })
    t.match(simulation.state, { phase: 'paused', pausedBy: 'operator', revision: revision + 1 })
    t.match(await order(simulation, 'pause'), { ok: true, decision: null }, 'it was so already')
  },
)

t.test('what the phase forbids is refused and changes nothing', async (t) => {
  const simulation = await running(32)
  const before = simulation.state
  t.match(await order(simulation, 'undo'), {
    ok: false,
    code: 'SERIN_REFUSED',
    detail: /`abort` ends it/,
  })
  t.equal(simulation.state, before)
})

t.test(
  'a service without a rollout takes no commands, has no view and books no labels',
  async (t) => {
    const { evaluator } = await running(33)
    t.equal(await evaluator.command('other', command('pause'), null), null)
    t.equal(evaluator.view('other'), null)
    const prediction = {
      service: 'other',
      requestId: 'r',
      value: 1,
      at: 0,
      rollout: '',
      cohort: 1,
      side: 0,
      variant: '',
      unit: null,
    } as const
    t.same(evaluator.label(prediction, 1), { result: 'late', changed: null })
  },
)

t.test('a command that the store does not take says so and changes nothing', async (t) => {
  const simulation = await running(34)
  const { weightBp } = simulation
  simulation.store.fails = true
  t.match(await order(simulation, 'pause'), { ok: false, code: 'SERIN_STORE_FAILED' })
  t.same([simulation.weightBp, simulation.state.phase], [weightBp, 'progressing'])
  t.match(simulation.errors, [{ message: 'disk full' }])
})

t.test('an override is a stratum of its own, and a resume goes back to the step', async (t) => {
  const simulation = await running(35)
  await order(simulation, 'weights', { canaryBp: 3000 })
  t.equal(simulation.weightBp, 3000)
  await simulation.run(4000, () => false)
  await order(simulation, 'resume')
  t.equal(simulation.weightBp, 2000)
  const errors = simulation.store.records.get('svc')!.evidence!.hypotheses[
    'errors'
  ] as EventEvidence
  t.ok(errors.proof.some((s) => s.pi === 0.3 && s.trials > 5000))
  t.ok(await simulation.run(60_000, (s) => s.phase === 'promoted'), 'and goes its way')
})

t.test(
  'promote passes the evidence, undo takes it back, retry begins with nothing known',
  async (t) => {
    const simulation = await running(36)
    await order(simulation, 'promote', { full: true })
    t.match(simulation.state, { phase: 'watching', weightBp: 10_000 })
    await simulation.run(1000, () => false)
    await order(simulation, 'undo')
    t.same([simulation.state.phase, simulation.weightBp], ['rolled-back', 0])
    await order(simulation, 'retry', { force: true })
    t.match(simulation.state, { phase: 'progressing', attempt: 2, step: 0 })
    const stored = simulation.store.records.get('svc')!
    t.same([stored.evidence, stored.cohorts, stored.units], [null, [], []])
    t.ok(await simulation.run(60_000, (s) => s.phase === 'promoted'))
  },
)

t.test(
  'a mismatched ratio pauses, and the test begins afresh once somebody has looked',
  async (t) => {
    const simulation = await running(37)
    const share = simulation.weightBp
    // Somebody in front of the gateway drops half of the canary's requests.
    simulation.weightBp = share / 2
    t.ok(await simulation.run(20_000, (s) => s.phase === 'paused'))
    t.match(simulation.state, { pausedBy: 'ratio-mismatch', weightBp: share })
    simulation.weightBp = share
    await order(simulation, 'resume')
    t.ok(await simulation.run(60_000, (s) => s.phase === 'promoted'))
  },
)

t.test('another margin of an event metric applies in place, and keeps the counts', async (t) => {
  const simulation = await running(38)
  const { revision } = simulation.state
  const before = simulation.store.records.get('svc')!.evidence!.hypotheses[
    'errors'
  ] as EventEvidence
  t.ok(before.sup.proof > 0)
  await simulation.reload(
    quickService({ analysis: { metrics: [{ ...ERRORS, sensitivity: 0.1 }] } }),
    'hash-2',
  )
  t.match(simulation.state, { step: 1, attempt: 1, configHash: 'hash-2', revision: revision + 1 })
  const after = simulation.store.records.get('svc')!.evidence!.hypotheses['errors'] as EventEvidence
  t.same(after.proof, before.proof)
  t.same(after.sup, { harm: 0, proof: 0, stepProof: 0 }, 'a supremum belongs to its margin')
  const length = simulation.store.log.length
  t.ok(await simulation.run(20_000, (s) => s.step === 2))
  t.equal(simulation.store.log.length, length + 1)
})

t.test('another floor alone keeps what does not depend on it', async (t) => {
  const simulation = await running(39)
  const requests = () => simulation.book.variants.get('baseline')!.requests
  const before = requests()
  await simulation.reload(
    quickService({ analysis: { metrics: [ERRORS], intervalMs: 500 } }),
    'hash-2',
  )
  const { hypotheses } = simulation.store.records.get('svc')!.evidence!
  t.ok(hypotheses['errors']!.sup.proof > 0, 'the same margin keeps its supremum')
  t.equal(requests(), before, 'counters go on')
})

t.test('changed steps begin again at the first one, with the evidence of before', async (t) => {
  const simulation = await running(40)
  const steps = weightSteps([10, 100], 50).map((s) => ({ ...s, minDurationMs: 2000 }))
  await simulation.reload(
    quickService({ spec: { steps }, analysis: { metrics: [ERRORS] } }),
    'hash-2',
  )
  t.match(simulation.state, { phase: 'idle', step: 0, weightBp: 0, attempt: 1 })
  t.match(simulation.store.log.at(-1), { reason: 'steps-changed', actor: 'ops' })
  t.ok(await simulation.run(5000, (s) => s.weightBp === 1000))
  t.ok(simulation.store.records.get('svc')!.evidence!.ratio.starts[0]!.some((s) => s.pi === 0.05))
  t.ok(await simulation.run(60_000, (s) => s.phase === 'promoted'))
})

t.test('a changed analysis is a new attempt with nothing known', async (t) => {
  const simulation = await running(41)
  await simulation.reload(quickService(), 'hash-2')
  t.match(simulation.state, { phase: 'idle', attempt: 2 })
  t.equal(simulation.store.records.get('svc')!.evidence, null)
  t.ok(await simulation.run(10_000, (s) => s.phase === 'progressing'))
  await simulation.run(4000, () => false)
  t.same(Object.keys(simulation.store.records.get('svc')!.evidence!.hypotheses), [
    'errors',
    'rmse',
    'rmse/above-cap',
    'rmse/label-missing',
    'no-answer',
    'client-error',
  ])
  t.same(simulation.errors, [])
})

t.test('a new canary version gets nothing before its own rollout has begun', async (t) => {
  const simulation = await running(42)
  const service = quickService({ analysis: { metrics: [ERRORS] } })
  const [baseline, canary] = service.variants
  await simulation.reload(
    { ...service, variants: [baseline!, { ...canary!, version: '3.0' }] },
    'hash-2',
  )
  t.match(simulation.state, { canaryVersion: '3.0', phase: 'idle', weightBp: 0 })
  t.equal(simulation.weightBp, 0)
  t.ok(await simulation.run(60_000, (s) => s.phase === 'promoted'))
  t.equal(rolloutId(simulation.state), '1.4->3.0#1')
})

t.test('a reload that cannot be stored is carried over with the next one', async (t) => {
  const simulation = await running(43)
  simulation.store.fails = true
  await simulation.reload(quickService(), 'hash-2')
  await simulation.reload(quickService({ spec: { watchMs: 3000 } }), 'hash-3')
  t.match(simulation.errors.slice(-2), [{ message: 'disk full' }, { message: 'disk full' }])
  simulation.store.fails = false
  await simulation.evaluator.look()
  t.match(simulation.state, { attempt: 2, configHash: 'hash-3' })
  t.match(simulation.store.log.at(-2), {
    action: 'retry',
    reason: 'analysis-changed',
    configHash: 'hash-3',
  })
  t.equal(simulation.store.records.get('svc')!.evidence!.rollout, '1.4->2.0#2')
  t.match(simulation.store.log.at(-1), { action: 'start' })
})

t.test(
  'a promoted version must become the baseline before another one is configured',
  async (t) => {
    const simulation = await running(44)
    await order(simulation, 'promote', { full: true })
    const service = quickService()
    const [baseline, canary] = service.variants
    const other = { ...service, variants: [baseline!, { ...canary!, version: '3.0' }] }
    const refusal = await simulation.evaluator.refusal(buildPlan(other, 'hash-2')!)
    t.equal(refusal, 'services.svc: 2.0 serves 100 %: make it the baseline first')
    t.equal(await simulation.evaluator.refusal(buildPlan(service, 'hash-2')!), null)
    await simulation.evaluator.reconfigure([], 'ops')
    t.equal(simulation.evaluator.view('svc'), null, 'a rollout that is gone ends here')
    t.equal(
      await simulation.evaluator.refusal(buildPlan(other, 'hash-2')!),
      refusal,
      'and is still known',
    )
    await simulation.reload(service, 'hash-2')
    t.match(simulation.state, { phase: 'watching', weightBp: 10_000 })
  },
)

t.test('a rollout that was never stored can begin under any plan', async (t) => {
  const simulation = await simulate(45, 0, PLAIN, [ERRORS])
  await simulation.evaluator.reconfigure([], 'ops')
  t.equal(await simulation.evaluator.refusal(buildPlan(quickService(), 'hash')!), null)
})

t.test('labels of another attempt are late', async (t) => {
  const simulation = await simulate(46, 0, PLAIN, [RMSE])
  await simulation.run(5000, () => false)
  const prediction = {
    service: 'svc',
    requestId: 'r',
    value: 1,
    at: 0,
    rollout: '1.4->2.0#7',
    cohort: 1,
    side: 0,
    variant: 'baseline',
    unit: null,
  } as const
  t.same(simulation.evaluator.label(prediction, 1), { result: 'late', changed: null })
})

t.test('limits of every kind are judged on the figures of the step', async (t) => {
  const metrics = [
    { ...ERRORS, max: 0.2 },
    { ...RMSE, maxChange: null, max: 5, minLabels: 100 },
  ]
  const simulation = await simulate(
    47,
    0,
    (random, variant) => ({ error: errorOf(random, variant === 'canary' ? 6 : 3) }),
    metrics,
  )
  t.ok(await simulation.run(20_000, (s) => s.phase === 'rolled-back'))
  t.match(simulation.store.log.at(-1), {
    reason: 'rmse',
    summary: /by rmse, beyond its limit of 5: /,
  })
  const { metrics: reports } = simulation.store.log.at(-1)!
  t.match(
    reports.find((r) => r.name === 'errors'),
    { limit: { max: 0.2, ticksBeyond: 0, tooFew: false } },
  )
})
