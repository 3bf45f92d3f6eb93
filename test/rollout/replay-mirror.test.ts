import t from 'tap'
import type { MirrorStepSpec, StepSpec } from '../../src/domain/rollout-spec.ts'
import { decisionsToReplay, replay } from '../../src/rollout/replay.ts'
import { recordOf } from '../fakes/attempt-record.ts'
import { quickService, simulate } from '../fakes/quick-rollout.ts'
import { command, plan } from '../fakes/rollout.ts'
import { ERRORS, weightSteps } from '../fakes/simulated-service.ts'

const MIRROR: MirrorStepSpec = {
  kind: 'mirror',
  share: 1,
  minDurationMs: 6000,
  minRequests: 10,
  maxBytes: 1024,
  tolerance: 0.01,
}

const SPEC = { maxDurationMs: 25_000, onInconclusive: 'rollback' } as const

/** Mirrors, pauses twice, and waits at 5 % for more requests than there are until its time is over. */
async function recorded(seed: number) {
  const tail = weightSteps([5, 100], 1_000_000)
  const pause: StepSpec = { kind: 'pause', durationMs: 3000 }
  const steps = [MIRROR, pause, ...tail]
  const service = quickService({ analysis: { metrics: [ERRORS] }, spec: { ...SPEC, steps } })
  const simulation = await simulate(
    seed,
    0,
    (random) => ({ error: null, outcome: random() < 0.01 ? 'failed' : 'ok' }),
    [ERRORS],
    { rps: 400, service },
  )
  await simulation.run(3000, () => false)
  await simulation.evaluator.command('svc', command('pause'), null)
  await simulation.run(2000, () => false)
  await simulation.evaluator.command('svc', command('resume'), null)
  await simulation.run(60_000, (s) => s.phase === 'rolled-back')
  return recordOf(simulation)
}

t.test(
  'The time of a mirror counts for maxDuration, without its pauses, as in life.',
  async (t) => {
    for (const seed of [1, 2, 3]) {
      const record = await recorded(seed)
      const again = replay(record, record.plan)!
      const told = (
        ds: readonly { at: number; action: string; reason: string; summary: string }[],
      ) => ds.map(({ at, action, reason, summary }) => ({ at, action, reason, summary }))
      const live = told(decisionsToReplay(record))
      t.match(live.at(-1), { action: 'rollback', reason: 'max-duration' })
      t.strictSame(told(again.decisions), live)
      t.equal(again.state.startedAt, record.decisions.find((d) => d.action === 'start')!.at)
    }
  },
)

t.test('Rules without a mirror would have begun with the weight.', async (t) => {
  const record = await recorded(4)
  const { at } = decisionsToReplay(record)[0]!
  const steps = weightSteps([5, 100], 1_000_000)
  const alone = plan({ spec: { ...SPEC, steps }, analysis: { metrics: [ERRORS] } })
  t.match(replay(record, alone)!.state, { startedAt: at, pausedMs: 0 })
})

t.test('A log that does not reach back to the start counts from the first weight.', async (t) => {
  const record = await recorded(5)
  const decisions = decisionsToReplay(record)
  const again = replay({ ...record, decisions }, record.plan)!
  t.match(again.state, { startedAt: decisions[0]!.at, pausedMs: 0 })
})
