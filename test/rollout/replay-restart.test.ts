import t from 'tap'
import type { Decision } from '../../src/domain/decision.ts'
import { replay } from '../../src/rollout/replay.ts'
import { recordOf } from '../fakes/attempt-record.ts'
import { quickService, simulate } from '../fakes/quick-rollout.ts'
import { ERRORS, RMSE, weightSteps } from '../fakes/simulated-service.ts'

/** A process dies after so long and another one takes over 6 s later; steps last 15 s. */
async function decisionsOver(seed: number, keys: number, diesAfterMs: number) {
  const metrics = [ERRORS, RMSE]
  const steps = weightSteps([5, 50, 100], 50).map((s) => ({ ...s, minDurationMs: 15_000 }))
  const service = quickService({ analysis: { metrics }, spec: { steps } }, keys > 0)
  const better = (random: () => number, variant: string) => ({
    error: (variant === 'canary' ? 2 : 3) * Math.sqrt(3) * random(),
  })
  const simulation = await simulate(seed, keys, better, metrics, { rps: 1000, service })
  await simulation.run(diesAfterMs, () => false)
  await simulation.restart()
  await simulation.run(90_000, (s) => s.phase === 'promoted')
  const record = await recordOf(simulation)
  return {
    recorded: record.decisions.filter((d) => d.reason !== 'new-version'),
    replayed: replay(record, record.plan)!.decisions,
  }
}

const told = (decision: Omit<Decision, 'id'>) => ({
  ...{ at: decision.at, action: decision.action, summary: decision.summary },
  evidence: decision.metrics.map((m) => [m.name, m.evidence]),
})

for (const [how, keys] of [
  ['without keys', 0],
  ['with keys', 40_000],
] as const) {
  t.test(`A restart while nothing is due changes nothing in a replay, ${how}.`, async (t) => {
    for (const seed of [1, 2, 3, 4]) {
      const { recorded, replayed } = await decisionsOver(seed, keys, 4300)
      t.equal(recorded.at(-1)!.to.phase, 'promoted')
      t.strictSame(replayed.slice(1).map(told), recorded.slice(1).map(told))
    }
  })
}

t.test(
  'What fell due while no process ran is decided then by a replay, and later in life.',
  async (t) => {
    // Due 15 s after the start of the step, and the process is away from 13.5 s to 19.5 s.
    const { recorded, replayed } = await decisionsOver(1, 0, 13_500)
    const advances = [recorded, replayed].map((ds) => ds.find((d) => d.action === 'advance')!)
    t.ok(advances[1]!.at < advances[0]!.at, advances.map((d) => d.at).join(' '))
    t.ok(advances[0]!.at - advances[1]!.at < 6000)
  },
)
