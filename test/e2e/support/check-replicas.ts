import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { Test } from 'tap'
import type { DecisionJson } from '../../../src/admin/present.ts'
import { command, readDecisions, readService, untilService } from './admin-api.ts'
import { buildRolloutService } from './config.ts'
import { judgeDecisions, judgeFailures, judgeSplit } from './judge-replicas.ts'
import { startKeyedLoad, type KeyedLoad, type KeyedRequest } from './keyed-load.ts'
import { startModel } from './model-server.ts'
import { readRedisLog } from './redis-log.ts'
import { cause, FAULTS, type Fault } from './replica-faults.ts'
import { startFleet, type Fleet } from './replica-fleet.ts'
import { seeded } from './seeded.ts'
import { until } from './until.ts'

const GATEWAYS = 3
const SERVICES = ['good', 'bad', 'long'] as const
const LOOK_MS = 1000
/** Keys that are sent to each gateway when nothing is the matter. */
const COUNTED_KEYS = 40

/**
 * Three gateways on one Redis, and faults in an order and at moments drawn from a seed. One rollout advances on its
 * evidence meanwhile and is promoted afterwards, one is rolled back afterwards, one goes on. The judge asks Redis' own
 * file, the users, and the logs of the processes.
 */
export async function checkReplicas(
  t: Test,
  seed: number,
  faults: number,
): Promise<readonly Fault[]> {
  const name = `seed ${seed}`
  const draw = seeded(seed)
  const order = shuffled(FAULTS, draw)
  const folder = join(t.testdirName, String(seed))
  mkdirSync(folder, { recursive: true })
  const { services, fail } = await buildServices(t, seeded(-seed))
  const fleet = await startFleet(t, folder, GATEWAYS, services)
  await fleet.whole()
  const origins = fleet.places.map((place) => () => place.gateway.data)
  const load = startKeyedLoad(t, origins, SERVICES, name.replace(' ', '-'))
  const watch = startWatch(t, name, fleet, load)
  const caused: Fault[] = []
  for (let n = 0; n < faults; n += 1) {
    await delay(draw() * 1500)
    const fault = order[n % order.length]!
    t.comment(`${name}: ${fault}`)
    await cause(fault, fleet, draw)
    caused.push(fault)
  }
  await fleet.whole()
  const failingAt = await endRollouts(fleet, fail)
  await load.stop()
  await checkCounts(t, name, fleet, load)
  const shown = await watch.stop()
  await Promise.all(fleet.places.map(({ gateway }) => gateway.stop()))

  const { places } = fleet
  const witnessed = {
    redis: readRedisLog(fleet.folder),
    claimed: fleet.claimed(),
    shown,
    requests: load.requests,
    down: places.map(({ down }) => down),
    excused: places.map(({ excused, down }) => [...excused, ...down]),
    faults,
  }
  judgeDecisions(t, name, witnessed)
  const failing = (r: KeyedRequest) => r.service === 'bad' && r.endedAt >= failingAt
  judgeFailures(t, name, witnessed, failing)
  for (const [decision, ms] of judgeSplit(t, name, witnessed, failing)) {
    t.comment(`${name}: ${decision} was served everywhere after ${ms} ms`)
  }
  const ends = witnessed.redis.decisions.map((d) => `${d.service} ${d.decision.to.phase}`)
  t.ok(ends.includes('good promoted') && ends.includes('bad rolled-back'), `${name}: both ended`)
  return caused
}

async function buildServices(t: Test, draw: () => number) {
  const model = { error: 0, failures: 0 }
  const [well, ill] = [await startModel(t, draw, model), await startModel(t, draw, { ...model })]
  const steps = {
    good: [{ weight: '50%', minDuration: '2s' }, { pause: {} }, { weight: '100%' }],
    bad: [{ weight: '50%', minDuration: '10m' }, { weight: '100%' }],
    long: [{ weight: '30%', minDuration: '10m' }, { weight: '100%' }],
  }
  const analysis = {
    interval: '500ms',
    warmUp: 0,
    minRequests: 10,
    metrics: { errors: { kind: 'error-rate', maxIncrease: '0%', floor: '40%' } },
  }
  const services = Object.fromEntries(
    SERVICES.map((service) => {
      const canary = service === 'bad' ? ill.origin : well.origin
      const rollout = { steps: steps[service], watch: '1s' }
      const more = { path: `/${service}/*`, rollout, analysis }
      return [service, buildRolloutService({ baseline: well.origin, canary }, more)]
    }),
  )
  return { services, fail: () => (ill.behaviour.failures = 1) }
}

/** Ends one rollout each way, and waits until every gateway says so. Gives when the model began to fail. */
async function endRollouts(fleet: Fleet, fail: () => void): Promise<number> {
  const first = fleet.places[0]!.gateway
  await untilService(first.admin, 'good', 'it waits', ({ phase }) => phase === 'paused')
  await command((await fleet.leader()).gateway.admin, 'good', 'promote')
  const failingAt = Date.now()
  fail()
  for (const { gateway } of fleet.places) {
    await untilService(gateway.admin, 'good', 'promoted', ({ phase }) => phase === 'promoted')
    await untilService(gateway.admin, 'bad', 'rolled back', ({ phase }) => phase === 'rolled-back')
  }
  // So long the weights that were decided last are looked at.
  await delay(4000)
  return failingAt
}

/** Sends fresh keys, each to every gateway: the evidence grows by each of them once. */
async function checkCounts(t: Test, name: string, fleet: Fleet, load: KeyedLoad): Promise<void> {
  const { admin } = (await fleet.leader()).gateway
  let before = await judgedKeys(admin, 'long')
  let since = performance.now()
  await until('what was sent is counted', async () => {
    const n = await judgedKeys(admin, 'long')
    if (n !== before) since = performance.now()
    before = n
    return performance.now() - since > 4000
  })
  const variants = new Map<string, Set<string | null>>()
  for (let n = 0; n < COUNTED_KEYS; n += 1) {
    const key = `counted-${n}`
    const asked = await Promise.all(
      fleet.places.map((_, gateway) => load.ask(gateway, 'long', key)),
    )
    variants.set(key, new Set(asked.map(({ variant }) => variant)))
  }
  const torn = [...variants].filter(([, seen]) => seen.size > 1)
  t.same(torn, [], `${name}: each key has one variant at all gateways`)
  const found = await until('they are counted', async () => {
    const n = await judgedKeys(admin, 'long')
    return n >= before + COUNTED_KEYS ? n : null
  })
  t.equal(found, before + COUNTED_KEYS, `${name}: each key counts once`)
  await delay(2000)
  const later = await judgedKeys(admin, 'long')
  t.equal(later, before + COUNTED_KEYS, `${name}: and stays counted once`)
}

/** Looks at all gateways until it is stopped; gives every decision that one of them has ever shown. */
function startWatch(t: Test, name: string, fleet: Fleet, load: KeyedLoad) {
  const shown = new Map<string, DecisionJson>()
  const tooMany: string[] = []
  let isRunning = true
  let most = 0
  const look = async (index: number, service: string) => {
    const { admin } = fleet.places[index]!.gateway
    for (const decision of await readDecisions(admin, service)) {
      shown.set(`${service} ${decision.id}`, decision)
    }
    const judged = await judgedKeys(admin, service)
    most = Math.max(most, judged)
    if (judged > load.keys(service)) tooMany.push(`${service}: ${judged} of ${load.keys(service)}`)
  }
  const visit = async (index: number) => {
    while (isRunning) {
      // One that is down, or stands still, has nothing to say.
      for (const service of SERVICES) await look(index, service).catch(() => {})
      await delay(LOOK_MS)
    }
  }
  const visits = Promise.all(fleet.places.map((_, index) => visit(index)))
  t.teardown(() => (isRunning = false))
  const stop = async () => {
    isRunning = false
    await visits
    t.same(tooMany, [], `${name}: no key counts twice`)
    t.ok(most > COUNTED_KEYS, `${name}: ${most} keys of one service are evidence`)
    return shown
  }
  return { stop }
}

/** Keys that are evidence on errors. */
async function judgedKeys(admin: string, service: string): Promise<number> {
  const { metrics } = await readService(admin, service)
  const errors = metrics.find((metric) => metric.name === 'errors')
  return (errors?.baseline?.n ?? 0) + (errors?.canary?.n ?? 0)
}

function shuffled<T>(all: readonly T[], draw: () => number): readonly T[] {
  return all
    .map((each) => ({ each, place: draw() }))
    .sort((a, b) => a.place - b.place)
    .map(({ each }) => each)
}
