import t from 'tap'
import { createRandom } from '../../src/demo/seeded-random.ts'
import type { EventEvidence } from '../../src/domain/evidence.ts'
import type { Weather } from '../fakes/network-store.ts'
import { quickService } from '../fakes/quick-rollout.ts'
import { ReplicaFleet } from '../fakes/replica-fleet.ts'
import { ERRORS, weightSteps } from '../fakes/simulated-service.ts'

const REPLICAS = 20
const CALM: Weather = { lost: 0, unanswered: 0, delayMs: 20 }
const BAD: Weather = { lost: 0.02, unanswered: 0.02, delayMs: 200 }

function fleetOf(seed: number, percents: readonly number[], failing = 0) {
  const draw = createRandom(seed)
  const steps = weightSteps(percents).map((step) => ({ ...step, minDurationMs: 3000 }))
  const analysis = { metrics: [{ ...ERRORS, floor: 0.2 }], warmUpMs: 0 }
  return new ReplicaFleet({
    service: quickService({ spec: { steps, maxDurationMs: 1e9 }, analysis }, true),
    replicas: REPLICAS,
    draw,
    rps: 400,
    fails: (variant) => variant === 'canary' && draw() < failing,
  })
}

/** Keys that are evidence on errors. */
function judgedOf({ store }: ReplicaFleet): number {
  const { evidence } = store.records.get('svc')!
  const { trials } = evidence!.hypotheses['errors'] as EventEvidence
  return trials.reduce((sum, n) => sum + n, 0)
}

/** Keys that were drawn into some cohort: what one process that is fed with everything judges. */
function keysOf({ drawn }: ReplicaFleet): number {
  return new Set(drawn.flatMap(({ cohort, unit }) => (cohort === null ? [] : [unit]))).size
}

/** Revisions, numbers of decisions and weights are as if one process had made them. */
function checkLog({ store, all }: ReplicaFleet): void {
  const ids = store.log.map(({ id }) => id)
  t.same(
    ids,
    Array.from(ids, (_, i) => i + 1),
    'the log has no gap',
  )
  const tokens = store.changes.map(({ lease }) => lease.token)
  t.same(
    tokens,
    tokens.toSorted((a, b) => a - b),
    'no holder of an older lease has written',
  )
  const torn = store.log.filter(({ from }, i) => {
    const before = store.log[i - 1]?.to
    return before !== undefined && before.weights['canary'] !== from.weights['canary']
  })
  t.same(torn, [], 'each decision begins where the one before it ended')
  const { weightBp } = store.records.get('svc')!.state
  t.same([...new Set(all.map((r) => r.weightBp))], [weightBp], 'all serve what is decided')
}

t.test('Over a calm network 20 replicas judge what one would, each key once.', async (t) => {
  const fleet = fleetOf(1, [30, 100])
  fleet.weather = CALM
  fleet.traffic = false
  t.ok(await fleet.runUntil(() => fleet.leader?.evaluator.replicas?.others === 19, 20_000))
  await fleet.run(3000)
  fleet.traffic = true
  // Less than the step takes.
  await fleet.run(2500)
  fleet.traffic = false
  await fleet.run(10_000)
  t.equal(judgedOf(fleet), keysOf(fleet))
  t.ok(keysOf(fleet) > 300, `${keysOf(fleet)} keys`)
  t.equal(fleet.leader!.evaluator.replicas!.lostShares, 0)
})

for (const [failing, phase] of [
  [0, 'promoted'],
  [0.4, 'rolled-back'],
] as const) {
  t.test(`Through loss, delay and crashes a rollout comes to be ${phase}.`, async (t) => {
    for (const seed of [1, 2, 3]) {
      const fleet = fleetOf(seed, [10, 30, 60, 100], failing)
      const draw = createRandom(-seed)
      fleet.weather = BAD
      const isOver = () => fleet.store.records.get('svc')?.state.phase === phase
      for (let n = 0; n < 12 && !isOver(); n += 1) {
        await fleet.run(2000 + draw() * 4000)
        const victim = n % 3 === 0 ? fleet.leader : fleet.all[Math.floor(draw() * REPLICAS)]
        if (victim === undefined) continue
        fleet.crash(victim)
        fleet.start()
        const { evidence } = fleet.store.records.get('svc') ?? {}
        if (evidence) t.ok(judgedOf(fleet) <= keysOf(fleet), `seed ${seed}: no key counts twice`)
      }
      t.ok(await fleet.runUntil(isOver, 600_000), `seed ${seed}: ${phase}`)
      fleet.weather = CALM
      await fleet.run(5000)
      t.ok(judgedOf(fleet) <= keysOf(fleet), `${judgedOf(fleet)} of ${keysOf(fleet)} keys`)
      checkLog(fleet)
    }
  })
}
