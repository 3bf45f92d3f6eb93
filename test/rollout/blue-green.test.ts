import t from 'tap'
import { forecast } from '../../src/rollout/forecast.ts'
import { missingFor } from '../../src/rollout/missing.ts'
import type { RolloutPlan } from '../../src/rollout/plan.ts'
import { step } from '../../src/rollout/step.ts'
import { viewOf } from '../../src/rollout/view.ts'
import {
  command,
  harmed,
  moved,
  NOW,
  PAUSED,
  plan,
  refused,
  report,
  seen,
  state,
} from '../fakes/rollout.ts'

const APPROVAL = { kind: 'pause', durationMs: null } as const
const TIMED = { kind: 'pause', durationMs: 600_000 } as const
const SWITCH = { kind: 'weight', weightBp: 10_000, minDurationMs: 0, minRequests: 0 } as const
const DOWN = { ready: false, downForMs: 10_000, failing: false }
const SICK = { ready: true, downForMs: 0, failing: true }

const blueGreen = (...pauses: RolloutPlan['steps']): RolloutPlan =>
  plan({ spec: { strategy: 'blue-green', steps: [...pauses, SWITCH] } })
const IDLE = state({ phase: 'idle', idleReason: 'canary-not-ready' }, { weightBp: 0 })
const preview = (step = 0) => state(PAUSED('approval'), { weightBp: 0, step })
const timed = (resumeAt = NOW, step = 0) =>
  state(PAUSED('timer', { resumeAt }), { weightBp: 0, step })
const watching = state({ phase: 'watching', watchUntil: NOW + 1000 }, { step: 1, weightBp: 10_000 })

t.test('a blue-green rollout begins with a preview that nobody is drawn to', (t) => {
  const { state: after, decision } = step(blueGreen(APPROVAL), IDLE, seen())
  t.match(after, { phase: 'paused', pausedBy: 'approval', weightBp: 0, step: 0 })
  t.match(decision, {
    action: 'start',
    summary:
      'The preview of 2.0 begins: it gets no share of the requests, and an override reaches it (blue-green).',
  })
  t.end()
})

t.test('an approval switches everybody at once, and says that nothing was proved', (t) => {
  const of = blueGreen(APPROVAL)
  t.equal(step(of, preview(), seen()).decision, null, 'nothing happens by itself')
  for (const full of [false, true]) {
    const { state: after, decision } = moved(
      step(of, preview(), seen(), command('promote', { full })),
    )
    t.match(after, { phase: 'watching', weightBp: 10_000, step: 1, watchUntil: NOW + 10_000 })
    t.match(decision, {
      action: 'promote',
      reason: 'operator',
      summary:
        'ops approved 2.0: switched from 0 % to 100 % without comparative proof (blue-green).',
    })
  }
  t.end()
})

t.test('nobody is switched onto a canary that is down, but by `--full`', (t) => {
  const of = blueGreen(APPROVAL)
  const away = seen({ canary: { ready: false, downForMs: 500, failing: false } })
  t.match(refused(step(of, preview(), away, command('promote'))), /no upstream of 2.0 answers/)
  const full = command('promote', { full: true })
  t.equal(moved(step(of, preview(), away, full)).state.phase, 'watching')
  t.end()
})

t.test('a timed pause switches by itself when it has passed', (t) => {
  const of = blueGreen(TIMED)
  t.equal(step(of, timed(NOW + 1), seen()).decision, null)
  const { state: after, decision } = step(of, timed(), seen())
  t.match(after, { phase: 'watching', weightBp: 10_000 })
  t.match(decision, {
    action: 'promote',
    reason: 'timer',
    actor: 'evaluator',
    summary:
      'Switched from 0 % to 100 % without comparative proof: the pause has passed and 2.0 can be reached (blue-green).',
  })
  t.end()
})

t.test('pauses follow one another at 0 %', (t) => {
  const of = blueGreen(TIMED, TIMED, APPROVAL)
  const second = step(of, timed(), seen())
  t.match(second.state, { phase: 'paused', pausedBy: 'timer', weightBp: 0, step: 1 })
  t.equal(second.decision!.summary, 'Waiting for 10m to pass at 0 %: the preview of 2.0 goes on.')
  const third = step(of, timed(NOW, 1), seen())
  t.match(third.state, { phase: 'paused', pausedBy: 'approval', weightBp: 0, step: 2 })
  t.match(third.decision!.summary, /^Waiting for an approval at 0 %/)
  const by = moved(step(of, preview(1), seen(), command('promote')))
  t.match(by.decision!.summary, /ops moved 2.0 to a pause/)
  t.same(missingFor(of, timed(), seen({ canary: DOWN })), [], 'nothing is switched after it')
  t.end()
})

t.test('time alone switches nobody: the canary answers, and providers have said yes', (t) => {
  const of = blueGreen(TIMED)
  const limit = { max: 0.9, min: null, ticksBeyond: 0, baselineBeyond: false, tooFew: false }
  const gpu = report({ name: 'gpu', kind: 'prometheus', outsideAlpha: true, limit })
  const own = report({ limit: { ...limit, ticksBeyond: 1, tooFew: true } })
  const unready = { ready: false, downForMs: 0, failing: false }
  const rows = [
    [{ canary: unready }, 'canary-not-ready', /Holding at 0 %: no upstream of 2.0 can be reached/],
    [{ reports: [{ ...gpu, error: 'refused' }] }, 'error', /gpu: could not be read \(refused\)/],
    [{ reports: [{ ...gpu, limit: { ...limit, ticksBeyond: 1 } }] }, 'limit', /gpu: .* is beyond/],
  ] as const
  for (const [change, reason, summary] of rows) {
    const held = step(of, timed(), seen(change))
    t.match(held.state, { phase: 'paused', weightBp: 0, holdReason: reason })
    t.match(held.decision, { action: 'hold', reason, summary })
    t.equal(step(of, held.state, seen(change)).decision, null, 'said once')
    t.equal(step(of, held.state, seen()).state.phase, 'watching', 'and then it goes on')
    const { missing } = viewOf(of, timed(), seen(change), null)
    t.match(missing[0], /the pause has to pass/)
    t.equal(missing.length, 2)
  }
  const unasked = seen({ reports: [{ ...gpu, limit: { ...limit, tooFew: true } }] })
  t.equal(step(of, timed(), unasked).state.phase, 'paused', 'not asked yet is no news')
  t.equal(step(of, timed(), unasked).decision, null)
  t.equal(
    step(of, timed(), seen({ reports: [own, { ...gpu, kind: 'http' }] })).state.phase,
    'watching',
    'no request is drawn in the preview, so its own figures are not waited for',
  )
  t.end()
})

t.test('nothing keeps a rollback away: in the preview, at the approval, in the watch', (t) => {
  const of = blueGreen(APPROVAL)
  const breaker = { ...seen().breaker, tripped: true }
  const operator = state(PAUSED('operator'), { weightBp: 0 })
  for (const before of [preview(), timed(NOW + 1), operator, watching]) {
    for (const alarm of [{ canary: DOWN }, { breaker }, { reports: [harmed()] }]) {
      const { state: after, decision } = step(of, before, seen(alarm))
      t.match(after, { phase: 'rolled-back', weightBp: 0 })
      t.equal(decision!.action, 'rollback')
      const sick = step(of, before, seen({ ...alarm, baseline: SICK })).state
      t.equal(sick.phase, 'paused', 'but nobody is sent onto a baseline that fails too')
    }
    t.equal(moved(step(of, before, seen(), command('abort'))).state.phase, 'rolled-back')
  }
  t.end()
})

t.test('undo takes the switch back, in the watch and after it', (t) => {
  const of = blueGreen(APPROVAL)
  const promoted = step(of, { ...watching, watchUntil: NOW } as typeof watching, seen())
  t.match(promoted.state, { phase: 'promoted', weightBp: 10_000 })
  t.match(promoted.decision!.summary, /the watch at 100 % ended without an alarm\.$/)
  for (const before of [watching, promoted.state])
    t.match(moved(step(of, before, seen(), command('undo'))), {
      state: { phase: 'rolled-back', weightBp: 0 },
      decision: { action: 'undo' },
    })
  t.match(refused(step(of, preview(), seen(), command('undo'))), /`abort` ends it/)
  t.end()
})

t.test('an override is somebody’s decision, and resuming goes back to the preview', (t) => {
  const of = blueGreen(APPROVAL)
  const over = moved(step(of, preview(), seen(), command('weights', { canaryBp: 2000 }))).state
  t.match(over, { phase: 'paused', pausedBy: 'override', weightBp: 2000 })
  const resumed = moved(step(of, over, seen(), command('resume'))).state
  t.match(resumed, { phase: 'paused', pausedBy: 'approval', weightBp: 0 })
  const approved = moved(step(of, over, seen(), command('promote')))
  t.match(approved.decision!.summary, /switched from 20 % to 100 % without comparative proof/)
  t.end()
})

t.test('a forecast of it is the pauses alone', (t) => {
  const traffic = { errorRate: null, evidence: null, exceedance: null } as const
  const found = forecast(blueGreen(TIMED, APPROVAL), {
    unitsPerSecond: 1,
    from: 'given',
    ...traffic,
  })
  t.match(found, {
    strategy: 'blue-green',
    watchBp: 10_000,
    steps: [],
    pauseSeconds: 600,
    approvals: 1,
    p50Seconds: 600,
    p80Seconds: 600,
    fits: true,
  })
  t.end()
})
