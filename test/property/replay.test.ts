import { fc } from '../support/fast-check.ts'
import t from 'tap'
import type { Decision } from '../../src/domain/decision.ts'
import { createRandom } from '../../src/demo/seeded-random.ts'
import type { MetricSpec, StepSpec } from '../../src/domain/rollout-spec.ts'
import { replay, type AttemptRecord } from '../../src/rollout/replay.ts'
import { recordOf } from '../fakes/attempt-record.ts'
import { command } from '../fakes/rollout.ts'
import { quickService, simulate } from '../fakes/quick-rollout.ts'
import { ACCURACY, DRIFT, ERRORS, LATENCY, RMSE, weightSteps } from '../fakes/simulated-service.ts'

const RMSE_WITH_LIMIT = { ...RMSE, maxChange: 0.5, max: 3.2 }
const world = fc.record({
  seed: fc.integer(),
  keys: fc.constantFrom(0, 40_000),
  metrics: fc.constantFrom<(readonly MetricSpec[])[]>(
    [ERRORS, RMSE],
    [ERRORS, LATENCY],
    [RMSE, LATENCY],
    [ERRORS, ACCURACY],
    [ERRORS, RMSE_WITH_LIMIT],
    [
      { ...ERRORS, maxChange: 1, segments: ['gold'] },
      { ...DRIFT, onFailure: 'rollback' },
    ],
    [
      { ...RMSE, maxChange: 0.5, segments: ['gold'] },
      { ...LATENCY, segments: ['gold'] },
    ],
  ),
  canaryErrors: fc.constantFrom(0.01, 0.012, 0.03),
  canaryRms: fc.constantFrom(3, 3.3),
  pauseMs: fc.constantFrom(null, 1500),
  // An operator comes at one of these times, or never.
  verb: fc.constantFrom(null, 'pause', 'promote', 'abort', 'weights'),
  at: fc.integer({ min: 3000, max: 12_000 }),
  // Without upstreams from then on; `Infinity`: never.
  downAt: fc.constantFrom(Infinity, Infinity, 6000),
})
type World = typeof world extends fc.Arbitrary<infer T> ? T : never

/** A limit is counted for the last time, and passed, as a cohort ends that no other follows. */
const LAST_TURN: World = {
  seed: -1034701129,
  keys: 0,
  metrics: [ERRORS, RMSE_WITH_LIMIT],
  canaryErrors: 0.03,
  canaryRms: 3.3,
  pauseMs: 1500,
  verb: 'pause',
  at: 7587,
  downAt: 6000,
}

async function recordedIn(of: World): Promise<AttemptRecord> {
  const steps = weightSteps([5, 20, 50, 100], 50).map((s) => ({ ...s, minDurationMs: 2000 }))
  const pause = { kind: 'pause', durationMs: of.pauseMs } as const
  const paused: readonly StepSpec[] = [steps[0]!, pause, ...steps.slice(1)]
  const spec = of.pauseMs === null ? {} : { steps: paused }
  const draw = createRandom(of.seed + 1)
  const simulation = await simulate(
    of.seed,
    of.keys,
    (random, variant, _ms, segment) => {
      const isCanary = variant === 'canary'
      const failed = random() < (isCanary ? of.canaryErrors : 0.01)
      const error = failed
        ? null
        : (isCanary && segment === 'gold' ? of.canaryRms ** 1.3 : isCanary ? of.canaryRms : 3) *
          Math.sqrt(3) *
          random()
      return {
        outcome: failed ? 'failed' : 'ok',
        error,
        latencyMs: 5 + 40 * random(),
        prediction: random() + (isCanary ? 0.3 : 0),
      }
    },
    of.metrics,
    {
      rps: 1500,
      segment: () => (draw() < 0.2 ? 'gold' : 'other'),
      service: quickService({ analysis: { metrics: of.metrics }, spec }, of.keys > 0),
      reachable: (variant, ms) => variant === 'baseline' || ms < of.downAt,
    },
  )
  await simulation.run(of.at, () => false)
  if (of.verb !== null) {
    const asked = { ...command(of.verb), canaryBp: 1000 } as ReturnType<typeof command>
    await simulation.evaluator.command('svc', asked, null)
    await simulation.run(2000, () => false)
    if (of.verb === 'pause' || of.verb === 'weights') {
      await simulation.evaluator.command('svc', command('resume'), null)
    }
  }
  await simulation.run(15_000, (s) => s.phase === 'promoted' || s.phase === 'rolled-back')
  // What waits for labels settles.
  await simulation.run(3000, () => false)
  return recordOf(simulation)
}

/** What the gateway saw of how the canary failed: a record has how many failed, and not of what. */
const CAUSES =
  / (?:The canary's failures in this attempt, judged or not: |Requests that fail, or get a 4xx, have no answer to go by and count among the missing: ).*$/

const told = ({ at, action, reason, actor, summary, from, to, metrics }: Omit<Decision, 'id'>) => ({
  at,
  action,
  reason,
  actor,
  from,
  to,
  // Quantiles of latencies are for reading, and of the breaker's attempts only the word is known.
  summary: reason === 'variant-down' || reason === 'breaker' ? '' : summary.replace(CAUSES, ''),
  metrics: metrics.map((m) => [m.name, m.verdict, m.evidence, m.stepCanaryN]),
})

t.test(
  'A replay under the plan that it was judged by makes the same decisions on the same evidence.',
  async (t) => {
    let made = 0
    await fc.assert(
      fc.asyncProperty(world, async (of) => {
        const record = await recordedIn(of)
        const { decisions, otherWeightsFrom, fidelities } = replay(record, record.plan)!
        const recorded = record.decisions.filter((d) => d.reason !== 'new-version')
        made += decisions.filter((d) => d.byEvidence).length
        t.strictSame(
          decisions.map(told).map((d, index) => (index === 0 ? { ...d, metrics: [] } : d)),
          recorded.map(told).map((d, index) => (index === 0 ? { ...d, metrics: [] } : d)),
          JSON.stringify(of),
        )
        t.equal(otherWeightsFrom, null)
        t.ok(fidelities.every((f) => f.kind === 'exact' && f.gap === 0))
      }),
      { numRuns: 16, examples: [[LAST_TURN]] },
    )
    t.ok(made > 15, 'there were decisions to compare')
  },
)
