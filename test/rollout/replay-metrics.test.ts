import t from 'tap'
import { createRandom } from '../../src/demo/seeded-random.ts'
import type { BetTally, Cohort, Tally } from '../../src/domain/cohort.ts'
import type { Decision } from '../../src/domain/decision.ts'
import type { MetricSpec } from '../../src/domain/rollout-spec.ts'
import type { FetchProvider } from '../../src/evaluator/provider-fetcher.ts'
import { fidelities } from '../../src/rollout/fidelity.ts'
import { replay, type AttemptRecord } from '../../src/rollout/replay.ts'
import { recordOf } from '../fakes/attempt-record.ts'
import { GPU, terms } from '../fakes/measurements.ts'
import { errorOf, simulate } from '../fakes/quick-rollout.ts'
import { plan } from '../fakes/rollout.ts'
import { CLICKS, DRIFT, ERRORS, LATENCY, REVENUE, RMSE } from '../fakes/simulated-service.ts'
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

t.test(
  'A limit on failures is judged where failures are compared, else taken to be kept.',
  async (t) => {
    const limited = { ...ERRORS, name: 'limited', maxChange: null, max: 0.02 }
    const failing: FateOf = (random, variant) => ({
      outcome: variant === 'canary' && random() < 0.12 ? 'failed' : 'ok',
    })
    const both = await recorded([{ ...ERRORS, maxChange: 9 }, limited, RMSE], failing)
    t.match(both.decisions.at(-1), { action: 'rollback', reason: 'limited' })
    const again = replay(both, both.plan)!
    t.match(again.decisions.at(-1), { action: 'rollback' })
    t.match(
      again.fidelities.filter((f) => f.kind !== 'exact'),
      [{ id: 'limited', kind: 'approximate', note: /held against judged cohorts/ }],
    )
    const alone = await recorded([limited, RMSE], failing)
    t.match(alone.decisions.at(-1), { action: 'rollback', reason: 'limited' })
    const without = replay(alone, alone.plan)!
    t.match(
      without.fidelities.find((f) => f.id === 'limited'),
      { kind: 'not-recorded', note: /failures were not counted/ },
    )
    t.not(without.state.phase, 'rolled-back')
    // Asked for later, the comparison was not recorded either, and the limit cannot use it.
    const later = kindsOf(fidelities(alone.plan, both.plan, alone.cohorts))
    t.match(later, { errors: 'not-recorded', limited: 'not-recorded', rmse: 'exact' })
  },
)

t.test('A limit on labels is judged as it was, exactly.', async (t) => {
  const record = await recorded([ERRORS, { ...RMSE, maxChange: 9, max: 4 }], (random, variant) => ({
    error: errorOf(random, variant === 'canary' ? 5 : 3),
  }))
  t.match(record.decisions.at(-1), { action: 'rollback', reason: 'rmse' })
  t.match(record.decisions.at(-1)!.summary, /beyond its limit/)
  const again = replay(record, record.plan)!
  t.strictSame(told(again.decisions), told(started(record)))
  t.ok(again.fidelities.every((f) => f.kind === 'exact'))
})

t.test('A limit waits for the first unit of a side.', async (t) => {
  const record = await recorded([{ ...ERRORS, max: 0.001 }, RMSE], () => ({}))
  const cohorts = record.cohorts.map((c) => {
    const none = { ...c.tallies['errors'], trials: [100, 0], events: [0, 0], harmEvents: [0, 0] }
    return { ...c, tallies: { ...c.tallies, errors: none as Tally } }
  })
  const again = replay({ ...record, cohorts }, record.plan)!
  t.match(again.state, { phase: 'progressing', step: 0 })
  t.notOk(again.decisions.some((d) => d.reason === 'errors'))
})

t.test(
  'After a mismatched ratio an operator goes on, and the test of it begins anew.',
  async (t) => {
    const record = await recorded([ERRORS], () => ({}))
    const skewed = (c: Cohort): Cohort => ({ ...c, assigned: [c.assigned[1], c.assigned[0]] })
    const cohorts = record.cohorts.map((c, index) => (index < 2 ? skewed(c) : c))
    const start = started(record)[0]!
    const paused = replay({ ...record, cohorts, decisions: [start] }, record.plan)!
    t.match(paused.state, { phase: 'paused', pausedBy: 'ratio-mismatch' })
    const resume: Decision = {
      ...start,
      ...{ action: 'resume', reason: 'operator', actor: 'ops', at: cohorts[3]!.openedAt },
    }
    const resumed = replay({ ...record, cohorts, decisions: [start, resume] }, record.plan)!
    t.strictSame(resumed.refused, [])
    t.equal(resumed.decisions.filter((d) => d.reason === 'ratio-mismatch').length, 1)
    t.ok(resumed.decisions.some((d) => d.action === 'advance'))
  },
)

/** A third of the units buys for 4 at most, some of them twice; half of those that view something click. */
const shopping: FateOf = (random, variant) => {
  const isCanary = variant === 'canary'
  const buys = random() < (isCanary ? 0.27 : 0.33)
  const buy = (afterMs: number) => ({
    ...{ name: 'purchase', value: null, values: { amount: 4 * random() }, afterMs },
  })
  const visit = (name: string, afterMs: number) => ({ name, value: null, values: null, afterMs })
  const views = random() < 0.8
  return {
    error: null,
    events: [
      ...(buys ? [buy(300)] : []),
      ...(buys && random() < 0.2 ? [buy(900)] : []),
      ...(views ? [visit('view', 200), visit('view', 400)] : []),
      ...(views && random() < (isCanary ? 0.42 : 0.5) ? [visit('click', 500)] : []),
    ],
  }
}

for (const metric of [REVENUE, CLICKS]) {
  t.test(`Another margin of a ${metric.kind} is bet on anew, as in life.`, async (t) => {
    const strict = { ...metric, maxChange: 0.02, sensitivity: 0.02 }
    const record = await recorded([strict], shopping)
    t.match(record.decisions.at(-1), { action: 'rollback', reason: metric.name })
    // The recorded bets are hidden: only the bins are left to win the same.
    const hypotheses = record.plan.hypotheses.map((h) => ({
      ...h,
      harm: { ...h.harm, ratio: h.harm.ratio + 1e-9 },
    }))
    const hidden = { ...record, plan: { ...record.plan, hypotheses } }
    const again = replay(hidden, record.plan)!
    const short = (ds: readonly Omit<Decision, 'id'>[]) =>
      told(ds).map(([at, action]) => [at, action])
    t.strictSame(short(again.decisions), short(started(record)))
    const logOf = (ds: readonly Omit<Decision, 'id'>[]) =>
      ds.at(-1)!.metrics.find((m) => m.name === metric.name)!.evidence.harm!.log
    const off = logOf(again.decisions) - logOf(record.decisions)
    const { gap } = again.fidelities.find((f) => f.id === metric.name)!
    t.ok(off >= -1e-6 && off <= gap + 1e-6 && gap < 0.2, `${off} of at most ${gap}`)
    const wider = rules([{ ...strict, maxChange: 0.6 }])
    const loose = replay(record, wider)!
    t.strictSame(loose.unanswered, [])
    t.match(
      loose.fidelities.find((f) => f.id === metric.name),
      { kind: 'approximate', rebet: true },
    )
    t.notOk(loose.decisions.some((d) => d.action === 'rollback'))

    // As versions before this one kept it.
    const cohorts = record.cohorts.map((c): Cohort => {
      const { bins: _, ratioBins: __, ...tally } = c.tallies[metric.name] as BetTally
      return { ...c, tallies: { ...c.tallies, [metric.name]: tally } }
    })
    const older = replay({ ...record, cohorts }, wider)!
    t.strictSame(older.unanswered, [metric.name])
    t.match(
      older.fidelities.find((f) => f.id === metric.name),
      { kind: 'not-recorded', note: /its values were not kept/ },
    )
    t.strictSame(
      told(replay({ ...record, cohorts }, record.plan)!.decisions),
      told(started(record)),
    )
  })
}
