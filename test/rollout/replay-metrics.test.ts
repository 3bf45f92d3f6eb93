import t from 'tap'
import { createRandom } from '../../src/demo/seeded-random.ts'
import type { Decision } from '../../src/domain/decision.ts'
import type { MetricSpec } from '../../src/domain/rollout-spec.ts'
import type { FetchProvider } from '../../src/evaluator/provider-fetcher.ts'
import { fidelities } from '../../src/rollout/fidelity.ts'
import { replay, type AttemptRecord } from '../../src/rollout/replay.ts'
import { recordOf } from '../fakes/attempt-record.ts'
import { GPU, terms } from '../fakes/measurements.ts'
import { errorOf, simulate } from '../fakes/quick-rollout.ts'
import { plan } from '../fakes/rollout.ts'
import { DRIFT, ERRORS, LATENCY, RMSE } from '../fakes/simulated-service.ts'
import type { SimulationOptions } from '../fakes/simulation.ts'

type FateOf = Parameters<typeof simulate>[2]

async function recorded(
  metrics: readonly MetricSpec[],
  fate: FateOf,
  change: Partial<SimulationOptions> = {},
): Promise<AttemptRecord> {
  const simulation = await simulate(3, 0, fate, metrics, change)
  await simulation.run(60_000, (s) => s.phase === 'promoted' || s.phase === 'rolled-back')
  await simulation.run(3000, () => false)
  return recordOf(simulation)
}

const rules = (metrics: readonly MetricSpec[]) => plan({ analysis: { metrics } })
const told = (decisions: readonly Omit<Decision, 'id'>[]) =>
  decisions.map((d) => [d.at, d.action, d.reason, d.summary, d.to.weights['canary']])
const started = ({ decisions }: AttemptRecord) => decisions.filter((d) => d.to.phase !== 'idle')
const kindsOf = (found: ReturnType<typeof fidelities>) =>
  Object.fromEntries(found.map((f) => [f.id, f.kind]))

/** A tenth of the requests is gold, the rest is of no segment that is looked at. */
function drawSegment(): () => string {
  const random = createRandom(9)
  return () => (random() < 0.1 ? 'gold' : 'other')
}

t.test('What was decided for a segment is decided for it again, exactly.', async (t) => {
  const record = await recorded(
    [
      { ...ERRORS, maxChange: 1, segments: ['gold'] },
      { ...RMSE, maxChange: 0.5, segments: ['gold'] },
      { ...LATENCY, segments: ['gold'] },
    ],
    (random, variant, _ms, segment) => ({
      error: errorOf(random, variant === 'canary' && segment === 'gold' ? 6 : 3),
      latencyMs: (segment === 'gold' ? 200 : 20) * (1 + random()),
    }),
    { segment: drawSegment() },
  )
  t.match(record.decisions.at(-1), { action: 'rollback', reason: 'rmse@gold' })
  const again = replay(record, record.plan)!
  t.strictSame(told(again.decisions), told(started(record)))
  t.ok(again.fidelities.every((f) => f.kind === 'exact'))
  t.ok(again.fidelities.some((f) => f.id === 'rmse/above-cap@gold'))
})

t.test('Drift is shown again, by the bins that it was counted in.', async (t) => {
  const record = await recorded(
    [
      { ...ERRORS, floor: 0.05 },
      { ...DRIFT, onFailure: 'rollback' },
    ],
    (random, variant) => ({ prediction: random() + (variant === 'canary' ? 0.5 : 0) }),
  )
  t.match(record.decisions.at(-1), { action: 'rollback', reason: 'drift' })
  const again = replay(record, record.plan)!
  t.strictSame(told(again.decisions), told(started(record)))
  t.ok(again.fidelities.every((f) => f.kind === 'exact'))
  const other = rules([{ ...DRIFT, of: { pointer: '/inputs/0/data/0' } }])
  t.strictSame(kindsOf(fidelities(record.plan, other, record.cohorts)), { drift: 'not-recorded' })
})

t.test(
  'Measurements of thresholds and of other systems are not kept: the rest decides.',
  async (t) => {
    const result = [{ metric: {}, value: [1, '0.5'] }]
    const data = { status: 'success', data: { resultType: 'vector', result } }
    const fetchProvider: FetchProvider = async () => ({ status: 200, body: JSON.stringify(data) })
    const record = await recorded([ERRORS, { ...RMSE, threshold: terms() }, GPU], () => ({}), {
      fetchProvider,
    })
    const again = replay(record, record.plan)!
    const left = again.fidelities.filter((f) => f.kind === 'not-recorded')
    t.strictSame(
      left.map((f) => [f.id, f.note]),
      [
        ['rmse', 'its measurements are not kept'],
        ['gpu', 'its measurements are not kept'],
      ],
    )
    t.equal(kindsOf(again.fidelities)['errors'], 'exact')
    t.match(again.decisions.at(-1), { action: 'promote', reason: 'watch-over' })
    t.notOk(again.decisions.some((d) => d.metrics.some((m) => ['rmse', 'gpu'].includes(m.name))))
  },
)

t.test('A limit on a latency is taken to be kept, and that is said.', async (t) => {
  const limited = { ...LATENCY, maxChange: 0.1, max: 30 }
  const alone = { ...LATENCY, name: 'p95', maxChange: null, max: 30 }
  const record = await recorded([ERRORS, limited, alone], (random, variant, ms) => ({
    latencyMs: variant === 'canary' && ms > 6000 ? 40 + random() : 20 + random(),
  }))
  t.match(record.decisions.at(-1), { action: 'rollback' })
  const found = replay(record, record.plan)!.fidelities
  t.match(
    found.filter((f) => f.kind !== 'exact'),
    [
      { id: 'latency', kind: 'approximate', note: /its limit is taken to be kept/ },
      { id: 'p95', kind: 'not-recorded', note: /its limit is taken to be kept/ },
    ],
  )
  t.equal(found.filter((f) => f.kind !== 'exact').length, 2)
})

t.test('Asking for segments as well takes nothing from what was recorded of the whole.', (t) => {
  const before = rules([RMSE])
  const after = rules([{ ...RMSE, segments: ['gold'] }])
  const kinds = kindsOf(fidelities(before, after, []))
  t.match(kinds, { rmse: 'exact', 'rmse/above-cap': 'exact', 'rmse@gold': 'not-recorded' })
  t.strictSame(kindsOf(fidelities(after, before, [])), {
    rmse: 'exact',
    'rmse/above-cap': 'exact',
    'rmse/label-missing': 'exact',
  })
  t.end()
})
