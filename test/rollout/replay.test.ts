import t from 'tap'
import type { Cohort } from '../../src/domain/cohort.ts'
import type { Decision } from '../../src/domain/decision.ts'
import type { MetricSpec, StepSpec } from '../../src/domain/rollout-spec.ts'
import { fidelities, unansweredOf } from '../../src/rollout/fidelity.ts'
import { Moments } from '../../src/rollout/moments.ts'
import { outsideOf } from '../../src/rollout/outside.ts'
import { replay, type AttemptRecord } from '../../src/rollout/replay.ts'
import { recordOf } from '../fakes/attempt-record.ts'
import { quickService, simulate } from '../fakes/quick-rollout.ts'
import { GPU, terms } from '../fakes/measurements.ts'
import { command, NOW, PAUSED, plan, state } from '../fakes/rollout.ts'
import { ACCURACY, ERRORS, LATENCY, RMSE, weightSteps } from '../fakes/simulated-service.ts'

const BOTH: readonly MetricSpec[] = [ERRORS, RMSE]
const quickSteps = (minRequests: number): readonly StepSpec[] =>
  weightSteps([5, 20, 50, 100], minRequests).map((s) => ({ ...s, minDurationMs: 2000 }))
const rules = (
  metrics: readonly MetricSpec[],
  steps = quickSteps(50),
  spec: NonNullable<Parameters<typeof plan>[0]>['spec'] = {},
) => plan({ spec: { steps, watchMs: 2000, ...spec }, analysis: { metrics } })

/** A canary whose errors are `rms` against 3, and which fails at this rate against 1 %. */
async function recorded(rms: number, rate = 0.01): Promise<AttemptRecord> {
  const simulation = await simulate(3, 0, (random, variant) => {
    const isCanary = variant === 'canary'
    const failed = random() < (isCanary ? rate : 0.01)
    const error = failed ? null : (isCanary ? rms : 3) * Math.sqrt(3) * random()
    return { outcome: failed ? 'failed' : 'ok', error }
  })
  await simulation.run(60_000, (s) => s.phase === 'promoted' || s.phase === 'rolled-back')
  await simulation.run(3000, () => false)
  return recordOf(simulation)
}

const told = (decisions: readonly Omit<Decision, 'id'>[]) =>
  decisions.map((d) => `${d.action} ${d.reason} ${d.to.weights['canary']}`)

t.test('Wider margins hold what was rolled back, until the record ends.', async (t) => {
  const record = await recorded(3.6)
  t.match(record.decisions.at(-1), { action: 'rollback', reason: 'rmse' })
  const again = replay(record, rules([ERRORS, { ...RMSE, maxChange: 0.5 }]))!
  t.notOk(again.decisions.some((d) => d.action === 'rollback'))
  t.equal(again.state.phase, 'progressing')
  const rmse = again.fidelities.find((f) => f.id === 'rmse')!
  t.match(rmse, { kind: 'approximate', rebet: true })
  t.ok(rmse.gap > 0 && rmse.gap < 0.5, `${rmse.gap}`)
})

t.test('A margin that is bet on anew decides as it would have been bet on in life.', async (t) => {
  const record = await recorded(3.6)
  // The recorded bets are hidden: only the bins are left to win the same.
  const other = {
    ...record.plan,
    hypotheses: record.plan.hypotheses.map((h) => ({
      ...h,
      harm: { ...h.harm, ratio: h.harm.ratio + 1e-9 },
    })),
  }
  const again = replay({ ...record, plan: other }, record.plan)!
  const live = record.decisions.filter((d) => d.to.phase !== 'idle')
  t.strictSame(told(again.decisions), told(live))
  const at = (d: readonly Omit<Decision, 'id'>[]) =>
    d.at(-1)!.metrics.find((m) => m.name === 'rmse')!.evidence.harm!.log
  t.ok(Math.abs(at(again.decisions) - at(live)) < 0.05, `${at(again.decisions)} ${at(live)}`)
})

t.test(
  'Larger minimums advance later, and say from when on the weights were others.',
  async (t) => {
    const record = await recorded(3)
    const again = replay(record, rules(BOTH, quickSteps(3000)))!
    const advancedAt = (d: readonly Omit<Decision, 'id'>[]) =>
      d.find((x) => x.action === 'advance')!.at
    t.ok(advancedAt(again.decisions) > advancedAt(record.decisions))
    t.ok(again.otherWeightsFrom! >= advancedAt(record.decisions))
    t.ok(again.fidelities.every((f) => f.kind === 'exact'))
  },
)

t.test('A stricter rule ends earlier, and draws nothing after its end.', async (t) => {
  const record = await recorded(3, 0.03)
  const strict = replay(record, rules([{ ...ERRORS, max: 0.001 }, RMSE]))!
  t.equal(strict.state.phase, 'rolled-back')
  const loose = replay(
    record,
    rules(
      BOTH,
      weightSteps([5, 100], 50).map((s) => ({ ...s, minDurationMs: 3_600_000 })),
      { maxDurationMs: 3000, onInconclusive: 'promote' },
    ),
  )!
  t.match(loose.decisions.at(-2), { action: 'promote', reason: 'max-duration' })
  t.match(loose.decisions.at(-1), { action: 'promote', reason: 'watch-over' })
})

t.test('Limits on labels and pauses without an end are judged too.', async (t) => {
  const record = await recorded(3)
  const accurate = { ...ACCURACY, maxChange: null, min: 0.99 }
  const limited = replay(
    record,
    rules([ERRORS, { ...RMSE, max: 2 }, { ...LATENCY, max: 1, maxChange: null }, accurate]),
  )!
  t.ok(limited.state.phase !== 'promoted')
  const waiting = replay(
    record,
    rules(BOTH, [
      ...quickSteps(50).slice(0, 1),
      { kind: 'pause', durationMs: null },
      ...quickSteps(50).slice(1),
    ]),
  )!
  t.match(waiting.state, { phase: 'paused', pausedBy: 'approval' })
})

t.test('What the sums cannot answer is said, metric by metric.', async (t) => {
  const before = rules([ERRORS, LATENCY, RMSE, { ...ACCURACY, name: 'right' }])
  const after = rules([
    { ...ERRORS, maxChange: 0.5, floor: 0.001 },
    { ...LATENCY, maxChange: 0.2 },
    { ...RMSE, labelWindowMs: 9000 },
    { ...RMSE, name: 'right' },
    { ...RMSE, name: 'new' },
  ])
  const kinds = (...of: Parameters<typeof fidelities>) =>
    Object.fromEntries(fidelities(...of).map((f) => [f.id, f.kind]))
  t.strictSame(kinds(before, after, []), {
    errors: 'exact',
    latency: 'not-recorded',
    rmse: 'approximate',
    'rmse/above-cap': 'approximate',
    'rmse/label-missing': 'approximate',
    right: 'not-recorded',
    'right/above-cap': 'not-recorded',
    'right/label-missing': 'not-recorded',
    new: 'not-recorded',
    'new/above-cap': 'not-recorded',
    'new/label-missing': 'not-recorded',
    'no-answer': 'exact',
    'client-error': 'exact',
  })
  const wider = kinds(rules([RMSE]), rules([{ ...RMSE, maxChange: 0.5 }]), [])
  t.match(wider, { rmse: 'approximate', 'rmse/above-cap': 'approximate' }, 'as its margin was')
  const sooner = { ...LATENCY, until: 'first-byte' } as const
  for (const [one, other] of [
    [LATENCY, sooner],
    [sooner, LATENCY],
  ] as const)
    t.match(
      fidelities(rules([one]), rules([other]), []).find(({ id }) => id === 'latency'),
      { kind: 'not-recorded', note: /quantile, until and margins/ },
    )
  t.match(kinds(rules([sooner]), rules([sooner]), []), { latency: 'exact' })
  const capped = kinds(rules([RMSE]), rules([{ ...RMSE, cap: 5 }]), [])
  t.strictSame(capped, {
    rmse: 'not-recorded',
    'rmse/above-cap': 'not-recorded',
    'rmse/label-missing': 'not-recorded',
  })
})

t.test('Values of older versions have no bins: another margin is not recorded.', async (t) => {
  const { cohorts } = await recorded(3)
  const strip = (c: Cohort): Cohort => {
    const { bins: _, ...tally } = c.tallies['rmse'] as Extract<
      Cohort['tallies'][string],
      { kind: 'bet' }
    >
    return { ...c, tallies: { ...c.tallies, rmse: tally } }
  }
  const other = rules([{ ...RMSE, maxChange: 0.2 }])
  const found = fidelities(rules([RMSE]), other, cohorts.map(strip))
  t.match(found[0], { kind: 'not-recorded', note: /its values were not kept/ })
  // Cohorts without the metric stand in nobody's way.
  const without = cohorts.map((c) => ({ ...c, tallies: {} }))
  t.match(fidelities(rules([RMSE]), other, without)[0], { kind: 'approximate' })
})

t.test('A command of the moment of a decision comes after it, as in the log.', async (t) => {
  const record = await recorded(3)
  const at = record.decisions.findIndex((d) => d.action === 'advance')
  const advance = record.decisions[at]!
  const paused = { ...advance, id: advance.id + 1, action: 'pause', reason: 'operator' } as const
  const to = { ...advance.to, phase: 'paused' } as const
  const decisions = [
    ...record.decisions.slice(0, at + 1),
    { ...paused, actor: 'ops', from: advance.to, to },
  ]
  const again = replay({ ...record, decisions }, record.plan)!
  t.strictSame(told(again.decisions.slice(-2)), ['advance evidence 20', 'pause operator 20'])
})

for (const ms of [0, 200]) {
  t.test(`A watch of no time that a command began is over ${ms} ms later.`, async (t) => {
    const service = quickService({ spec: { watchMs: 0 } })
    const simulation = await simulate(3, 0, () => ({}), BOTH, { service })
    await simulation.run(3000, () => false)
    await simulation.evaluator.command('svc', command('promote', { full: true }), null)
    simulation.clock.ms += ms
    await simulation.run(3000, () => false)
    const record = await recordOf(simulation)
    const lived = record.decisions.slice(-2)
    t.strictSame(told(lived), ['promote operator 100', 'promote watch-over 100'])
    t.ok(Math.abs(lived[1]!.at - lived[0]!.at - ms) < 1)
    // An interval may have ended in the moment of the command.
    const cohorts = record.cohorts.map((c) =>
      c.closedAt === lived[0]!.at ? { ...c, closedByInterval: true as const } : c,
    )
    for (const each of [record, { ...record, cohorts }]) {
      const again = replay(each, record.plan)!.decisions.slice(-2)
      t.strictSame(told(again), told(lived))
      t.strictSame(
        again.map(({ at }) => at),
        lived.map(({ at }) => at),
      )
    }
  })
}

t.test('What was not recorded is left out, and the rest decides.', async (t) => {
  const record = await recorded(3)
  const again = replay(record, rules([...BOTH, { ...LATENCY, maxChange: 0.2 }]))!
  t.ok(again.fidelities.some((f) => f.id === 'latency' && f.kind === 'not-recorded'))
  t.ok(again.decisions.some((d) => d.action === 'promote'))
  t.notOk(again.decisions.some((d) => d.metrics.some((m) => m.name === 'latency')))
  t.strictSame(again.unanswered, ['latency'], 'so its promotion is an earliest one')
})

t.test('Nothing waits for what only reports, nor for a limit that is taken to be kept.', (t) => {
  const unanswered = (...of: Parameters<typeof rules>) => {
    const now = rules(...of)
    return unansweredOf(now, fidelities(rules([ERRORS]), now, []))
  }
  const measured = { ...ACCURACY, threshold: terms() }
  t.strictSame(unanswered([ERRORS, RMSE]), ['rmse', 'rmse/above-cap'])
  t.strictSame(unanswered([ERRORS, { ...RMSE, mode: 'report' }]), [])
  t.strictSame(unanswered([ERRORS, { ...LATENCY, maxChange: null, max: 90 }]), [])
  t.strictSame(unanswered([ERRORS, measured, GPU]), ['accuracy', 'gpu'])
  const warning = { mode: 'decide', onFailure: 'warn' } as const
  t.strictSame(
    unanswered([
      { ...measured, mode: 'report' },
      { ...GPU, ...warning },
    ]),
    [],
  )
  // Its failure is waited for by nobody, and its labels are.
  t.strictSame(unanswered([ERRORS, { ...RMSE, ...warning }]), ['rmse'])
  t.strictSame(unanswered([ERRORS, { ...measured, ...warning }]), ['accuracy'])
  t.end()
})

t.test('Cohorts of older versions settle when they close.', async (t) => {
  const record = await recorded(3)
  const cohorts = record.cohorts.map(
    (c) => Object.fromEntries(Object.entries(c).filter(([key]) => key !== 'settledAt')) as Cohort,
  )
  const again = replay({ ...record, cohorts }, record.plan)!
  t.strictSame(told(again.decisions), told(record.decisions.filter((d) => d.to.phase !== 'idle')))
})

t.test('In a step that only waits nothing is due but the end of the rollout.', async (t) => {
  const steps: readonly StepSpec[] = [{ kind: 'pause', durationMs: null }, ...quickSteps(50)]
  const waiting = rules(BOTH, steps, { maxDurationMs: 9000 })
  const moments = new Moments({ cohorts: [], decisions: [], until: NOW + 1e6 }, waiting)
  const later = state({ phase: 'progressing' }, { startedAt: NOW, stepEnteredAt: NOW })
  t.equal(moments.next(NOW, later), null, 'without cohorts there is nothing to judge')
  t.equal(moments.next(NOW, state({ phase: 'watching', watchUntil: NOW + 5 })), NOW + 255)
  const over = state({ phase: 'watching', watchUntil: NOW })
  t.equal(moments.next(NOW, over), NOW + 251, 'a watch of no time is over a look later')
  t.equal(moments.next(NOW + 251, over), null)
})

t.test('In a pause nothing is due but its end, where it has one.', async (t) => {
  const later = { ...(await recorded(3)).decisions[0]!, at: NOW + 9000 }
  const moments = new Moments({ cohorts: [], decisions: [later], until: NOW + 1e6 }, rules(BOTH))
  t.equal(moments.next(NOW, state(PAUSED('timer', { resumeAt: NOW + 500 }))), NOW + 750)
  t.equal(moments.next(NOW, state(PAUSED('operator'))), NOW + 9000)
})

t.test('A log without a first step cannot be judged again.', async (t) => {
  const record = await recorded(3)
  t.equal(replay({ ...record, decisions: [] }, record.plan), null)
})

t.test('Commands and what happened to the world come from the log.', async (t) => {
  const record = await recorded(3)
  const start = record.decisions.find((d) => d.action === 'start')!
  const at = start.at + 2500
  const by = (change: Partial<Decision>): Decision => ({ ...start, at, ...change })
  const after = (...more: Decision[]) =>
    replay({ ...record, decisions: [start, ...more] }, record.plan)!
  const paused = { ...start.to, phase: 'paused' } as const
  const pause = by({ action: 'pause', reason: 'operator', actor: 'ops', to: paused })
  t.match(after(pause).state, { phase: 'paused', pausedBy: 'operator' })
  const undo = by({ action: 'undo', reason: 'operator', actor: 'ops' })
  t.match(after(undo).refused, [/undo takes back a promotion/])
  const found: [string, object][] = [
    ['variant-down', { phase: 'rolled-back', rolledBackReason: 'variant-down' }],
    ['breaker', { phase: 'rolled-back', rolledBackReason: 'breaker' }],
    ['baseline', { phase: 'paused', pausedBy: 'baseline' }],
  ]
  for (const [reason, left] of found) t.match(after(by({ reason, action: 'hold' })).state, left)
  const elsewhere = after(by({ action: 'rollback', reason: 'breaker', actor: 'breaker@b:1' }))
  t.match(elsewhere.state, { phase: 'rolled-back', rolledBackReason: 'breaker' })
  const quiet = after(by({ action: 'hold', reason: 'no-traffic' }))
  t.ok(
    quiet.decisions.some((d) => d.action === 'hold' && d.reason === 'no-traffic' && !d.byEvidence),
  )
})

t.test('Every command of the log is known again.', async (t) => {
  const standing = { phase: 'progressing', step: 0, weights: { baseline: 95, canary: 5 } } as const
  const verb = (
    action: Decision['action'],
    to: Partial<Decision['to']> = {},
    reason = 'operator',
  ) => {
    const decision = {
      ...{ id: 1, at: 0, service: 'svc', rollout: 'r', summary: '', note: null, metrics: [] },
      ...{
        action,
        reason,
        actor: 'ops',
        from: standing,
        to: { ...standing, ...to },
        configHash: '',
      },
    }
    return outsideOf(decision)?.command ?? null
  }
  t.match(verb('start'), { verb: 'promote', full: false, actor: 'ops' })
  t.match(verb('advance', { step: 1 }), { verb: 'promote', full: false })
  t.match(verb('promote', { step: 3, phase: 'watching' }), { verb: 'promote', full: true })
  t.match(verb('rollback'), { verb: 'abort' })
  t.match(verb('resume'), { verb: 'resume' })
  t.match(verb('override', { weights: { baseline: 70, canary: 30 } }), {
    verb: 'weights',
    canaryBp: 3000,
  })
  t.equal(verb('retry'), null)
  t.equal(verb('hold', {}, 'steps-changed'), null)
})
