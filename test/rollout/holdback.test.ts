import t from 'tap'
import { forecast } from '../../src/rollout/forecast.ts'
import { NO_PAST, reconcile } from '../../src/rollout/reconcile.ts'
import { replay } from '../../src/rollout/replay.ts'
import { step } from '../../src/rollout/step.ts'
import { isComparing } from '../../src/rollout/transition.ts'
import { recordOf } from '../fakes/attempt-record.ts'
import { errorOf, simulate, quickService } from '../fakes/quick-rollout.ts'
import {
  command,
  harmed,
  moved,
  NOW,
  PAUSED,
  plan,
  refused,
  seen,
  state,
} from '../fakes/rollout.ts'
import { ERRORS, RMSE } from '../fakes/simulated-service.ts'

const held = plan({ spec: { holdbackBp: 500 } })
const last = state({ phase: 'progressing' }, { step: 2, weightBp: 5000 })
const watching = state({ phase: 'watching', watchUntil: NOW + 1000 }, { step: 3, weightBp: 9500 })

t.test('what is held back stays on the baseline during the watch, and follows after it', (t) => {
  const { state: after, decision } = step(held, last, seen())
  t.match(after, { phase: 'watching', step: 3, weightBp: 9500 })
  t.match(
    decision!.summary,
    /^Promoted from 50 % to 95 % \(5 % held back during the watch\): every/,
  )
  t.equal(step(held, after, seen()).decision, null)
  const over = step(held, { ...watching, watchUntil: NOW } as typeof watching, seen())
  t.match(over.state, { phase: 'promoted', weightBp: 10_000 })
  t.equal(
    over.decision!.summary,
    '2.0 is promoted: the watch at 95 % ended without an alarm, and the 5 % held back follow.',
  )
  const done = { ...watching, watchUntil: NOW } as typeof watching
  const none = seen({ lastRequestAt: done.stepEnteredAt })
  t.equal(
    step(held, done, none).decision!.summary,
    '2.0 is promoted: the watch at 95 % ended without an alarm (no request came to the process that decides), and the 5 % held back follow.',
  )
  t.end()
})

t.test('commands meet the same weights', (t) => {
  const by = (before: typeof last, verb: 'promote' | 'undo' | 'resume', change = {}) =>
    moved(step(held, before, seen(), command(verb, change)))
  const full = by(state(), 'promote', { full: true })
  t.match(full.state, { phase: 'watching', weightBp: 9500 })
  t.match(full.decision!.summary, /to 95 % \(5 % held back during the watch\), past the evidence/)
  const next = by(last, 'promote')
  t.match(next.state, { phase: 'watching', weightBp: 9500 })
  t.match(next.decision!.summary, /ops moved 2.0 to 95 % \(5 % held back during the watch\)/)
  t.match(by(watching, 'promote').state, { phase: 'promoted', weightBp: 10_000 })
  t.match(by(watching, 'undo').state, { phase: 'rolled-back', weightBp: 0 })
  t.end()
})

t.test('the comparison goes on: harm rolls back, and what pauses a step pauses the watch', (t) => {
  t.match(step(held, watching, seen({ reports: [harmed()] })).state, { phase: 'rolled-back' })
  const pausing = seen({ reports: [harmed({ onFailure: 'pause' })] })
  const paused = step(held, watching, pausing)
  t.match(paused.state, { phase: 'paused', pausedBy: 'metric', weightBp: 9500, step: 3 })
  const resumed = moved(step(held, paused.state, pausing, command('resume'))).state
  t.match(resumed, { phase: 'watching', weightBp: 9500, acknowledged: ['errors'] })
  t.equal(step(held, resumed, pausing).decision, null, 'an acknowledged metric only reports')
  const mismatch = seen({ ratioMismatch: { log: 9, threshold: 7 } })
  t.match(step(held, watching, mismatch).state, { pausedBy: 'ratio-mismatch', weightBp: 9500 })
  const whole = state({ phase: 'watching', watchUntil: NOW + 1000 }, { step: 3, weightBp: 10_000 })
  for (const alarm of [pausing, mismatch])
    t.equal(step(plan(), whole, alarm).decision, null, 'at 100 % there is nothing to compare')
  t.end()
})

t.test('what is compared: steps, and a watch with a share held back', (t) => {
  t.ok(isComparing(last))
  t.ok(isComparing(watching))
  t.notOk(isComparing({ ...watching, weightBp: 10_000 }))
  t.notOk(isComparing(state(PAUSED('operator'))))
  t.end()
})

t.test('another holdback moves nobody in a watch that has begun', (t) => {
  const seenAt = { now: NOW, past: NO_PAST, actor: 'ops' }
  const more = plan({ spec: { holdbackBp: 2000 } })
  t.match(moved(reconcile(more, watching, seenAt)).state, { phase: 'watching', weightBp: 9500 })
  const other = { ...held, canaryVersion: '3.0' }
  t.match(refused(reconcile(other, watching, seenAt)), /2.0 serves 95 %: make it the baseline/)
  t.end()
})

t.test('a pause keeps the weight of the steps before it, whatever was overridden', (t) => {
  const [five, twenty, fifty, all] = held.steps
  const pause = { kind: 'pause', durationMs: null } as const
  const steps = [five!, twenty!, pause, fifty!, all!]
  const of = plan({ spec: { steps, holdbackBp: 500 } })
  const over = state(PAUSED('override'), { step: 2, weightBp: 3500 })
  const resumed = moved(step(of, over, seen(), command('resume'))).state
  t.match(resumed, { phase: 'paused', pausedBy: 'approval', weightBp: 2000 })
  t.end()
})

t.test('a forecast says what the watch begins with', (t) => {
  const given = { unitsPerSecond: 100, from: 'given' } as const
  const found = forecast(held, { ...given, errorRate: null, evidence: null, exceedance: null })
  t.match(found, { strategy: 'canary', watchBp: 9500 })
  t.end()
})

t.test('a record with a holdback comes out again, its watch included', async (t) => {
  const metrics = [ERRORS, RMSE]
  const watchMs = 20_000
  const service = quickService({ spec: { holdbackBp: 1000, watchMs }, analysis: { metrics } })
  const simulation = await simulate(
    3,
    0,
    (random, variant, ms) => ({
      error: errorOf(random, variant === 'canary' && ms > 20_000 ? 6 : 3),
    }),
    metrics,
    { service },
  )
  t.ok(await simulation.run(90_000, (s) => s.phase === 'rolled-back'))
  t.match(simulation.store.log.at(-1), { reason: 'rmse', from: { phase: 'watching' } })
  const record = await recordOf(simulation)
  const again = replay(record, record.plan)!
  const told = (all: typeof again.decisions | typeof record.decisions) =>
    all.map((d) => `${d.action} ${d.reason} ${d.to.weights['canary']}`)
  t.same(told(again.decisions), told(record.decisions.filter((d) => d.to.phase !== 'idle')))
  t.equal(again.otherWeightsFrom, null)
})
