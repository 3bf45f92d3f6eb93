import t from 'tap'
import type { RolloutPhase, RolloutState } from '../../src/domain/rollout-state.ts'
import { createRandom } from '../../src/demo/seeded-random.ts'
import { nextDue } from '../../src/rollout/next-due.ts'
import type { Observation } from '../../src/rollout/observation.ts'
import type { RolloutPlan } from '../../src/rollout/plan.ts'
import { step } from '../../src/rollout/step.ts'
import { NOW, plan, PAUSED, report, seen, state } from '../fakes/rollout.ts'
import { weightSteps } from '../fakes/simulated-service.ts'

const lasting = (minDurationMs: number) =>
  weightSteps([5, 20, 50, 100]).map((s) => ({ ...s, minDurationMs }))
const LONG = plan({ spec: { steps: lasting(0), maxDurationMs: 1e12 } })
const OLD = { startedAt: NOW - 1e9, stepEnteredAt: NOW - 1e9 }

t.test('it is the first moment at which some gate speaks otherwise', (t) => {
  const slow = plan({ spec: { steps: lasting(90_000) } })
  const quiet = seen({ lastRequestAt: null })
  t.equal(nextDue(slow, state(), seen()), NOW + 30_000, 'the step has lasted')
  const early = state({ phase: 'progressing' }, { stepEnteredAt: NOW - 1000 })
  t.equal(nextDue(LONG, early, quiet), NOW + 59_000, 'it is without traffic')
  t.equal(nextDue(LONG, early, seen({ lastRequestAt: NOW - 50_000 })), NOW + 10_000)
  const old = state({ phase: 'progressing' }, OLD)
  t.equal(nextDue(LONG, old, quiet), NOW - 1e9 + 1e12, 'it has taken too long')
  t.equal(nextDue(LONG, state(PAUSED('timer', { resumeAt: NOW + 7 }), OLD), quiet), NOW + 7)
  const watching = (watchUntil: number) =>
    state({ phase: 'watching', watchUntil }, { ...OLD, step: 3 })
  t.equal(nextDue(LONG, watching(NOW + 9), quiet), NOW + 9)
  t.equal(nextDue(plan(), watching(NOW), quiet), Infinity, 'nothing is left')
  t.end()
})

t.test('before it, time alone changes nothing of what is decided', (t) => {
  const random = createRandom(11)
  const pick = <T>(all: readonly T[]) => all[Math.floor(random() * all.length)]!
  const ago = () => NOW - Math.floor(random() * 120_000)
  const soon = () => NOW + Math.floor(random() * 120_000)
  const steps = [
    { kind: 'weight', weightBp: 500, minDurationMs: 60_000, minRequests: 100 },
    { kind: 'pause', durationMs: 60_000 },
    { kind: 'weight', weightBp: 10_000, minDurationMs: 0, minRequests: 0 },
  ] as const
  const drawState = (): RolloutState => {
    const phases: readonly RolloutPhase[] = [
      { phase: 'idle', idleReason: 'manual-start' },
      { phase: 'progressing' },
      PAUSED('timer', { resumeAt: soon() }),
      PAUSED('approval'),
      PAUSED('metric', { pausedMetric: 'errors' }),
      { phase: 'watching', watchUntil: soon() },
      { phase: 'promoted', promotedAt: NOW },
    ]
    const phase = pick(phases)
    const isPause = phase.phase === 'paused' && phase.pausedBy === 'timer'
    const at = isPause ? 1 : phase.phase === 'watching' ? 2 : 0
    const place = { step: at, weightBp: at === 2 ? 10_000 : 500 }
    return state(phase, { ...place, startedAt: ago(), stepEnteredAt: ago(), pausedMs: 0 })
  }
  const drawSeen = (): Observation =>
    seen({
      lastRequestAt: pick([null, ago()]),
      stepCanaryUnits: pick([0, 500]),
      reports: [report({ verdict: pick(['successful', 'inconclusive']) })],
    })
  const stays = (of: RolloutPlan, at: RolloutState, found: Observation) =>
    step(of, at, found).state === at
  let rested = 0
  for (let n = 0; n < 4000; n += 1) {
    const of = plan({ spec: { steps, maxDurationMs: 60_000 + 120_000 * random() } })
    const [at, found] = [drawState(), drawSeen()]
    if (!stays(of, at, found)) continue
    const due = Math.min(nextDue(of, at, found), NOW + 1e7)
    rested += 1
    const between = [random(), random()].map((share) => NOW + share * (due - 1 - NOW))
    for (const now of [...between, due - 1]) {
      if (!stays(of, at, { ...found, now }))
        t.fail(`${JSON.stringify(at)} moves ${due - now} early`)
    }
  }
  t.ok(rested > 500, `${rested} rested`)
  t.end()
})

t.test('time changes nothing of a rollout that has ended, at whatever step it did', (t) => {
  for (const phase of [
    { phase: 'promoted', promotedAt: NOW } as const,
    { phase: 'rolled-back', rolledBackAt: NOW, rolledBackReason: 'errors' } as const,
  ]) {
    t.equal(nextDue(plan(), state(phase, { step: 99 }), seen()), Infinity)
  }
  t.end()
})
