import t from 'tap'
import { step } from '../../src/rollout/step.ts'
import {
  command,
  harmed,
  moved,
  NOW,
  plan,
  PAUSED,
  refused,
  seen,
  state,
} from '../fakes/rollout.ts'
import { weightSteps } from '../fakes/simulated-service.ts'

const IDLE = { phase: 'idle', idleReason: 'manual-start' } as const
const WATCHING = { phase: 'watching', watchUntil: NOW + 1000 } as const
const PROMOTED = { phase: 'promoted', promotedAt: NOW - 1 } as const
const ROLLED_BACK = {
  phase: 'rolled-back',
  rolledBackAt: NOW - 59_999,
  rolledBackReason: 'errors',
} as const
const DOWN = { ready: false, downForMs: 10_000, failing: false }
const AWAY = { ready: false, downForMs: 0, failing: false }

t.test('promote starts an idle rollout, moves a running one on, and ends the watch', (t) => {
  const start = moved(step(plan(), state(IDLE, { weightBp: 0 }), seen(), command('promote')))
  t.match(start.state, { phase: 'progressing', step: 0, weightBp: 500, startedAt: NOW })
  t.match(start.decision, { action: 'start', actor: 'ops', reason: 'operator' })
  const on = moved(
    step(plan(), state(), seen({ stepCanaryUnits: 0 }), command('promote', { note: 'hurry' })),
  )
  t.match(on.state, { phase: 'progressing', step: 1, weightBp: 2000 })
  t.match(on.decision, {
    action: 'advance',
    note: 'hurry',
    summary: /ops moved 2.0 to 20 %, past the evidence/,
  })
  const last = moved(
    step(plan(), state(undefined, { step: 2, weightBp: 5000 }), seen(), command('promote')),
  )
  t.match(last, { state: { phase: 'watching', weightBp: 10_000 }, decision: { action: 'promote' } })
  const ended = moved(step(plan(), state(WATCHING), seen(), command('promote')))
  t.match(ended, { state: { phase: 'promoted', promotedAt: NOW }, decision: { action: 'promote' } })
  t.end()
})

t.test('promote approves, and may lead into a pause', (t) => {
  const steps = [{ kind: 'pause', durationMs: null } as const, ...weightSteps([5, 100])]
  const withPause = plan({ spec: { steps } })
  const approved = moved(step(withPause, state(PAUSED('approval')), seen(), command('promote')))
  t.match(approved.state, { phase: 'progressing', step: 1, weightBp: 500 })
  const into = moved(step(withPause, state(IDLE, { weightBp: 0 }), seen(), command('promote')))
  t.match(into, {
    state: { phase: 'paused', pausedBy: 'approval' },
    decision: { summary: /to a pause/ },
  })
  t.end()
})

t.test('promote is refused while the canary is down, unless it is full', (t) => {
  t.match(
    refused(step(plan(), state(), seen({ canary: DOWN }), command('promote'))),
    /no upstream of 2.0 answers/,
  )
  t.match(
    refused(step(plan(), state(), seen({ canary: AWAY }), command('promote'))),
    /promote --full/,
  )
  const full = moved(
    step(plan(), state(IDLE), seen({ canary: DOWN }), command('promote', { full: true })),
  )
  t.match(full.state, { phase: 'watching', weightBp: 10_000, step: 3, startedAt: NOW })
  t.end()
})

t.test('promote to 100 % changes nothing where that is so, and leaves the watch as it is', (t) => {
  for (const phase of [WATCHING, PROMOTED]) {
    const at = state(phase, { weightBp: 10_000 })
    t.equal(moved(step(plan(), at, seen(), command('promote', { full: true }))).state, at)
  }
  t.end()
})

t.test('promote is refused where there is nothing to promote', (t) => {
  t.match(refused(step(plan(), state(PROMOTED), seen(), command('promote'))), /is promoted already/)
  t.match(refused(step(plan(), state(ROLLED_BACK), seen(), command('promote'))), /`retry` starts/)
  t.end()
})

t.test('abort rolls back from every phase; a second one changes nothing', (t) => {
  for (const phase of [
    IDLE,
    { phase: 'progressing' } as const,
    PAUSED('approval'),
    WATCHING,
    PROMOTED,
  ]) {
    const { state: after, decision } = moved(step(plan(), state(phase), seen(), command('abort')))
    t.match(after, { phase: 'rolled-back', weightBp: 0, rolledBackAt: NOW })
    t.match(decision, { action: 'rollback', reason: 'operator' })
  }
  t.equal(moved(step(plan(), state(ROLLED_BACK), seen(), command('abort'))).decision, null)
  t.end()
})

t.test('pause stops a running rollout and a timer, and is refused elsewhere', (t) => {
  const paused = moved(step(plan(), state(), seen(), command('pause')))
  t.match(paused.state, { phase: 'paused', pausedBy: 'operator', pausedAt: NOW, weightBp: 500 })
  const timer = moved(
    step(plan(), state(PAUSED('timer', { resumeAt: NOW })), seen(), command('pause')),
  )
  t.match(timer.state, { pausedBy: 'operator', resumeAt: null, pausedMs: 10_000 })
  t.equal(moved(step(plan(), paused.state, seen(), command('pause'))).decision, null)
  t.match(
    refused(step(plan(), state(WATCHING), seen(), command('pause'))),
    /nothing to pause.*watching/,
  )
  t.end()
})

t.test('resume goes back to the weight of the step and never approves', (t) => {
  const overridden = state(PAUSED('override'), { weightBp: 3333, step: 1 })
  const resumed = moved(step(plan(), overridden, seen(), command('resume')))
  t.match(resumed.state, { phase: 'progressing', weightBp: 2000, step: 1, pausedMs: 10_000 })
  t.equal(resumed.resetRatio, false)
  t.match(
    refused(step(plan(), state(PAUSED('approval')), seen(), command('resume'))),
    /`promote` gives/,
  )
  t.match(
    refused(step(plan(), state(PAUSED('timer')), seen(), command('resume'))),
    /ends by itself/,
  )
  t.match(refused(step(plan(), state(WATCHING), seen(), command('resume'))), /nothing to resume/)
  t.equal(moved(step(plan(), state(), seen(), command('resume'))).decision, null)
  t.end()
})

t.test('resume acknowledges the metric that paused, and starts a mismatched ratio afresh', (t) => {
  const metric = state(PAUSED('metric', { pausedMetric: 'errors' }))
  const resumed = moved(step(plan(), metric, seen(), command('resume')))
  t.same(resumed.state.acknowledged, ['errors'])
  t.match(resumed.decision!.summary, /errors only reports for the rest of the attempt/)
  const ratio = moved(step(plan(), state(PAUSED('ratio-mismatch')), seen(), command('resume')))
  t.equal(ratio.resetRatio, true)
  t.end()
})

t.test('retry makes a new attempt after the cooldown, or with force', (t) => {
  const early = step(plan(), state(ROLLED_BACK), seen(), command('retry'))
  t.match(refused(early), /the cooldown has 1s left/)
  const forced = moved(step(plan(), state(ROLLED_BACK), seen(), command('retry', { force: true })))
  t.match(
    forced.decision!.summary,
    /retried 2.0: attempt 2 draws anew who gets the canary, and earlier evidence does not count\./,
  )
  t.match(forced, {
    resetEvidence: true,
    state: { phase: 'progressing', attempt: 2, weightBp: 500, startedAt: NOW },
  })
  const cool = { ...ROLLED_BACK, rolledBackAt: NOW - 60_000 }
  const waiting = moved(step(plan(), state(cool), seen({ canary: AWAY }), command('retry')))
  t.match(waiting, {
    resetEvidence: true,
    state: { phase: 'idle', attempt: 2, idleReason: 'canary-not-ready' },
  })
  t.match(refused(step(plan(), state(), seen(), command('retry'))), /only a rolled-back version/)
  t.end()
})

t.test('undo takes back a promotion and nothing else', (t) => {
  for (const phase of [WATCHING, PROMOTED]) {
    const undone = moved(step(plan(), state(phase, { weightBp: 10_000 }), seen(), command('undo')))
    t.match(undone, { state: { phase: 'rolled-back', weightBp: 0 }, decision: { action: 'undo' } })
  }
  t.match(
    refused(step(plan(), state(ROLLED_BACK), seen(), command('undo'))),
    /`retry` starts it anew/,
  )
  const byHand = state({ ...ROLLED_BACK, rolledBackReason: 'operator' })
  t.equal(moved(step(plan(), byHand, seen(), command('undo'))).state, byHand, 'it is so already')
  t.match(refused(step(plan(), state(), seen(), command('undo'))), /`abort` ends it/)
  t.end()
})

t.test('an override sets the weight and pauses; ended phases refuse and say the way out', (t) => {
  const weights = command('weights', { canaryBp: 1234 })
  for (const phase of [{ phase: 'progressing' } as const, PAUSED('approval')]) {
    const { state: after, decision } = moved(step(plan(), state(phase), seen(), weights))
    t.match(after, { phase: 'paused', pausedBy: 'override', weightBp: 1234 })
    t.match(decision, { action: 'override', summary: /set the canary to 12.34 %/ })
  }
  const same = state(PAUSED('override'), { weightBp: 1234 })
  t.equal(moved(step(plan(), same, seen(), weights)).state, same, 'the same ones change nothing')
  t.match(refused(step(plan(), state(IDLE), seen(), weights)), /`promote` starts/)
  t.match(refused(step(plan(), state(ROLLED_BACK), seen(), weights)), /`retry` starts/)
  t.match(refused(step(plan(), state(PROMOTED), seen(), weights)), /`undo` takes/)
  t.end()
})

t.test('nothing that an operator paused keeps a rollback away', (t) => {
  const paused = moved(step(plan(), state(), seen(), command('pause'))).state
  const alarm = seen({ reports: [harmed()] })
  t.equal(step(plan(), paused, alarm).state.phase, 'rolled-back')
  t.end()
})

t.test('a rollout is given no variant: its canary is what it promotes', (t) => {
  const named = { ...command('promote'), variant: 'b' } as ReturnType<typeof command>
  t.match(refused(step(plan(), state(), seen(), named)), /only a fixed split is given a variant/)
  t.end()
})
