import t from 'tap'
import type { StepShare } from '../../src/domain/replica.ts'
import type { MetricSpec } from '../../src/domain/rollout-spec.ts'
import { Processes, type Process } from '../fakes/processes.ts'
import { quickService } from '../fakes/quick-rollout.ts'
import { ERRORS, LATENCY, weightSteps } from '../fakes/simulated-service.ts'

const LIMITED = { maxChange: null, min: null } as const
const SLOW = { ...LATENCY, ...LIMITED, quantile: 0.8, max: 100 }

function limitedBy(...metrics: readonly MetricSpec[]) {
  const spec = { steps: weightSteps([50, 100], 1e6) }
  return quickService({ spec, analysis: { metrics } }, true)
}

const SPLIT = limitedBy({ ...ERRORS, ...LIMITED, max: 0.2 }, SLOW, {
  ...SLOW,
  name: 'first',
  until: 'first-byte',
})

/** Requests of one key, the first of which fail or are slow; and as many of another key that the baseline answers. */
function serveKey({ book }: Process, unit: number, requests: number, failing: number, slow = 0) {
  const none = { suppressed: false, keyMissing: false, overrideRefused: false }
  for (let n = 0; n < requests; n++) {
    for (const variant of ['baseline', 'canary']) {
      const isCanary = variant === 'canary'
      const key = isCanary ? unit : unit + 1000
      const ticket = book.begin({ variant, reason: 'key', unit: key, ...none }, 'r', 0)
      const fails = isCanary && n < failing
      book.end(
        ticket,
        fails ? 'failed' : 'ok',
        fails ? 500 : 200,
        1,
        isCanary && n < slow ? 200 : 5,
      )
    }
  }
}

/** Thirty keys that fail never, and one that always does. */
function serveHeavy(process: Process) {
  serveKey(process, 1, 60, 60)
  serveLight(process, 3)
}

function serveLight(process: Process, each: number) {
  for (let key = 2; key < 32; key++) serveKey(process, key, each, 0)
}

async function start(processes: number, service = SPLIT) {
  const world = new Processes()
  for (let n = 0; n < processes; n++) {
    await world.start(service)
    await world.run(4000)
  }
  return { world, leader: world.all[0]!, follower: world.all.at(-1)! }
}

t.test('a key that fails for its own fault holds a step, and rolls nothing back', async (t) => {
  const { world, leader } = await start(1)
  serveHeavy(leader)
  await world.run(20_000)
  t.equal(leader.weightBp, 5000)
  const { metrics, missing } = leader.evaluator.view('svc')!
  t.match(metrics[0], {
    verdict: 'inconclusive',
    limit: { byChance: true, countsAs: 1, canary: { value: 0.4, n: 150 } },
  })
  t.match(missing, [
    /judged in this step/,
    'errors: 40 % (n 150, which count as 1 by key) is beyond 20 %, and may be by chance',
  ])
  t.same(world.errors, [])
})

t.test('so do slow requests of one key', async (t) => {
  const { world, leader } = await start(1)
  serveKey(leader, 1, 60, 0, 60)
  serveLight(leader, 3)
  await world.run(40_000)
  t.equal(leader.weightBp, 5000)
  t.match(leader.evaluator.view('svc')!.metrics[1], { limit: { byChance: true, countsAs: 1 } })
})

t.test('and slow first bytes, whichever process has seen them', async (t) => {
  const { world, leader, follower } = await start(2)
  serveKey(follower, 1, 60, 0, 60)
  serveLight(follower, 3)
  serveLight(leader, 1)
  await world.run(40_000)
  t.equal(leader.weightBp, 5000)
  const limit = { byChance: true, countsAs: 1 }
  t.match(leader.evaluator.view('svc')!.metrics.slice(1), [{ limit }, { name: 'first', limit }])
  t.same(world.errors, [])
})

t.test('also where no limit is on failures, of whose keys nothing is kept then', async (t) => {
  const { world, leader, follower } = await start(2, limitedBy(SLOW))
  serveKey(follower, 1, 60, 0, 60)
  serveLight(follower, 3)
  serveLight(leader, 1)
  await world.run(40_000)
  t.equal(leader.weightBp, 5000)
  t.match(leader.evaluator.view('svc')!.metrics, [{ limit: { byChance: true, countsAs: 1 } }])
  t.same(follower.book.variants.get('canary')!.step.failed, [])
  t.same(world.errors, [])
})

t.test('as many failures of twelve keys roll back', async (t) => {
  const { world, leader } = await start(1)
  for (let key = 1; key <= 12; key++) serveKey(leader, key, 16, 6)
  await world.run(8000)
  t.match(world.store.log.at(-1), { action: 'rollback', reason: 'errors' })
})

t.test('whose requests they are is known of all processes', async (t) => {
  const { world, leader, follower } = await start(2)
  serveHeavy(follower)
  serveLight(leader, 1)
  await world.run(20_000)
  t.equal(leader.weightBp, 5000)
  t.match(leader.evaluator.view('svc')!.metrics[0], { limit: { byChance: true, countsAs: 1 } })
  t.same(world.errors, [])
})

t.test('a key that asks several processes is one', async (t) => {
  const { world, leader } = await start(2)
  for (const process of world.all) {
    serveKey(process, 1, 60, 60)
    serveLight(process, 3)
  }
  await world.run(20_000)
  t.equal(leader.weightBp, 5000)
  t.match(leader.evaluator.view('svc')!.metrics[0], {
    limit: { byChance: true, countsAs: 1, canary: { value: 0.4, n: 300 } },
  })
  t.same(world.errors, [])
})

t.test('as many failures of one key among few roll back: it may be all of them', async (t) => {
  const { world, leader } = await start(1)
  serveKey(leader, 1, 60, 60)
  for (let key = 2; key < 12; key++) serveKey(leader, key, 10, 0)
  await world.run(8000)
  t.match(world.store.log.at(-1), { action: 'rollback', reason: 'errors' })
})

t.test('a version that does not say whose they are is counted as before', async (t) => {
  const { world, leader, follower } = await start(2)
  const { report } = world.store
  const asBefore = (share: StepShare): StepShare => {
    const { places: _, ...said } = share
    const { places: __, ...recent } = share.recent!
    return { ...said, recent }
  }
  world.store.report = (said, shares) =>
    report({ ...said, steps: said.steps.map(asBefore) }, shares)
  serveHeavy(follower)
  serveLight(leader, 1)
  await world.run(8000)
  t.match(world.store.log.at(-1), { action: 'rollback', reason: 'errors' })
})
