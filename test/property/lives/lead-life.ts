import { given } from './chance.ts'
import { changeSplit } from './change-split.ts'
import type { ServiceParts } from './draw-service.ts'
import { Life, type LifeOptions } from './life.ts'
import type { LifeGateway } from './life-gateway.ts'
import { SERVERS } from './life-models.ts'
import { copyStore, strikeStore } from './strike-store.ts'

/** What a life has come to. */
export type Led = {
  readonly faults: readonly string[]
  readonly requests: number
  /** Of the requests, by how often each came. */
  readonly outcomes: Readonly<Record<string, number>>
  readonly decisions: number
  /** Decisions that took requests from a canary for good. */
  readonly rolledBack: number
  /** Attempts whose cohorts came to the same decisions once more. */
  readonly judgedAgain: number
  readonly feedback: Life['feedback']['all']
}

/** Something that happens every so often, in milliseconds; each time a little earlier or later. */
type Habit = readonly [everyMs: number, does: (life: Life) => Promise<void>]

const HABITS: readonly Habit[] = [
  [400, postFeedback],
  [800, lookAround],
  [2000, giveOrder],
  [5000, changeFile],
  [8000, changeMood],
  [2000, async ({ models }) => models.release()],
  [6000, dropServers],
  [7000, copyStore],
]

/** Leads a life of so many seconds, and then everything is well again. */
export async function leadLife(seconds: number, options: LifeOptions): Promise<Led> {
  const life = await Life.begin(options)
  try {
    await live(life, seconds * 1000)
    await life.heal()
  } catch (error) {
    life.fault(String((error as Error).stack))
  } finally {
    await life.end()
  }
  const { access, faults, traffic, log, feedback } = life
  const told = faults.map((fault) => `seed ${options.seed}, ${fault}`)
  return {
    faults: told,
    requests: traffic.served.length,
    outcomes: access.outcomes,
    decisions: log.count,
    rolledBack: log.rolledBack,
    judgedAgain: life.judgedAgain,
    feedback: feedback.all,
  }
}

async function live(life: Life, ms: number): Promise<void> {
  const { chance } = life
  const soon = (everyMs: number) => life.time.ms + everyMs * (0.5 + chance.draw())
  // Some lives are hard, and some are calm for long enough that nothing excuses what is lost.
  const habits: readonly Habit[] = [...HABITS, [chance.pick(4000, 30_000), troubleOne]]
  const agenda = habits.map(([everyMs, does]) => ({ everyMs, does, at: soon(everyMs) }))
  while (life.time.ms < ms) {
    await life.turn()
    for (const each of agenda) {
      if (life.time.ms < each.at) continue
      await each.does(life)
      each.at = soon(each.everyMs)
    }
  }
}

async function postFeedback(life: Life): Promise<void> {
  const { chance, feedback, traffic } = life
  const gateway = anyOf(life)
  if (gateway === null) return
  const kind = chance.draw()
  const service = gateway.config.services[0]!.name
  if (kind < 0.3 && life.calmSince < life.time.ms) {
    const calm = traffic.served.slice(-200).filter(({ at }) => at > life.calmSince)
    life.begin(unlessDead(gateway, feedback.postInTime(gateway, calm)))
  } else if (kind < 0.65) life.begin(unlessDead(gateway, feedback.post(gateway, traffic.served)))
  else if (kind < 0.95) life.begin(unlessDead(gateway, feedback.repeat(gateway)))
  else life.begin(unlessDead(gateway, feedback.invent(gateway, service)))
}

async function lookAround(life: Life): Promise<void> {
  const { chance, inspector, services, terminal } = life
  const gateway = anyOf(life)
  if (gateway === null || gateway.isTroubled) return
  const name = chance.pick(...Object.keys(services))
  if (gateway.config.services.some((each) => each.name === name)) {
    await inspector.look(gateway, name, chance, life.known(name))
    if (chance.isSo(0.3)) await terminal.look(gateway, name, chance)
  }
}

const VERBS = ['promote', 'abort', 'pause', 'resume', 'retry', 'undo', 'weights'] as const

async function giveOrder(life: Life): Promise<void> {
  const { chance, inspector, services } = life
  const gateway = anyOf(life)
  if (gateway === null) return
  const name = chance.pick(...Object.keys(services))
  const verb = chance.pick(...VERBS)
  const third = Object.keys(services[name]!.variants)
  const body = {
    weights: { weights: { canary: chance.pick('35%', '0%', '100%', '12.25%') } },
    promote: given({
      full: chance.maybe(0.3, () => true),
      variant:
        'rollout' in services[name]! ? undefined : chance.maybe(0.5, () => chance.pick(...third)),
    }),
    retry: given({ force: chance.maybe(0.6, () => true) }),
  }[verb as 'weights' | 'promote' | 'retry']
  const order = { reason: 'of a life', ...body }
  const path = `/api/v1/services/${name}/${verb}`
  const method = verb === 'weights' ? 'PUT' : 'POST'
  // Sometimes several are told at once.
  const told = chance.isSo(0.2) ? life.awake : [gateway]
  for (const each of told) {
    life.begin(unlessDead(each, inspector.ask(each, path, { method, body: order })))
  }
}

async function changeMood({ chance, models, traffic: { mood } }: Life): Promise<void> {
  mood.failing = [chance.pick(0.01, 0.01, 0.01, 0.5), chance.pick(0.01, 0.01, 0.05, 0.9), 0.02]
  mood.isOdd = chance.isSo(0.3)
  mood.most = chance.pick(0, 2, 4, 8)
  models.judged = chance.pick(0, 1, 10, null)
}

/** Servers of models go down, and those that were come back. */
async function dropServers({ chance, models }: Life): Promise<void> {
  const places = Array.from({ length: SERVERS }, (_, place) => place)
  const share = chance.pick(0, 0, 0.2, 0.5)
  models.fell(places.filter(() => chance.isSo(share)))
}

/** Another file for all: it comes to one gateway after the other. */
async function changeFile(life: Life): Promise<void> {
  const { chance, services } = life
  const name = chance.pick(...Object.keys(services))
  const changed = change(life, name, services[name]!)
  const next = { ...services, ...changed }
  const [gone] = life.gone.keys()
  if (gone !== undefined && chance.isSo(0.5)) {
    next[gone] ??= life.gone.get(gone)!
    life.gone.delete(gone)
  }
  if (!life.isValid(next)) return
  const removed = chance.isSo(0.1) && Object.keys(services).length > 1
  if (removed) {
    life.gone.set(name, next[name]!)
    delete next[name]
  }
  life.services = next
  life.disturbances.change(name)
  for (const gateway of life.awake) {
    await take(life, gateway)
    for (let left = chance.pick(0, 0, 1, 8); left > 0; left -= 1) await life.turn()
  }
}

async function take(life: Life, gateway: LifeGateway): Promise<void> {
  if (gateway.isDead || gateway.services === life.services) return
  const result = await gateway.reload(life.services)
  if (result.ok) return
  // What cannot follow what is stored is refused by all: nobody goes on with it.
  life.services = gateway.services
}

function change(life: Life, name: string, service: ServiceParts): Record<string, ServiceParts> {
  const { chance } = life
  const kind = chance.draw()
  const { variants, rollout, analysis } = service
  const version = `c${chance.whole(0, 3)}.${chance.whole(0, 1)}`
  const canary = { ...variants['canary']!, version }
  if (chance.isSo(0.4)) return { [name]: changeSplit(chance, service) }
  if (kind < 0.25) return { [name]: life.draw(name) }
  if (kind < 0.35) return { [`s${chance.whole(0, 9)}`]: life.draw(name) }
  if (kind < 0.6) return { [name]: { ...service, variants: { ...variants, canary } } }
  if (kind < 0.75 && rollout !== undefined) {
    const baseline = { ...variants['baseline']!, version: variants['canary']!.version }
    return { [name]: { ...service, variants: { ...variants, baseline, canary } } }
  }
  if (kind < 0.85 && rollout !== undefined) {
    const { holdback: _, ...rest } = rollout
    return { [name]: { ...service, rollout: { ...rest, watch: chance.pick('1s', '5s') } } }
  }
  return { [name]: { ...service, analysis: { ...analysis, minRequests: chance.pick(0, 10) } } }
}

/** Something befalls a gateway, or all of them; it is over some turns later. */
async function troubleOne(life: Life): Promise<void> {
  const disturbance = life.disturbances.begin()
  await befall(life)
  disturbance.end()
}

async function befall(life: Life): Promise<void> {
  const { chance } = life
  const gateway = anyOf(life)
  if (gateway === null) return
  const turns = chance.whole(1, 40)
  const wait = async () => {
    for (let left = turns; left > 0; left -= 1) await life.turn()
  }
  const befallen = chance.isSo(0.3) ? life.awake : [gateway]
  const skewMs = chance.pick(0, 0, -3000, 3000)
  if (life.redis !== null && chance.isSo(0.3)) return strikeStore(life, life.redis, wait)
  switch (chance.pick('restart', 'restart all', 'kill', 'hold', 'cut', 'lose', 'jump', 'sleep')) {
    case 'restart':
      await life.stop(gateway)
      await wait()
      return life.start(gateway.place, skewMs)
    case 'restart all':
      return life.restart()
    case 'kill': {
      life.gateways[gateway.place] = null
      await gateway.kill()
      await wait()
      const isCut = chance.isSo(0.3)
      await life.start(gateway.place, skewMs, isCut)
      if (!isCut) return
      await wait()
      return life.gateways[gateway.place]!.mend()
    }
    case 'hold':
      gateway.hold()
      await wait()
      return gateway.mend()
    case 'cut':
      for (const each of befallen) each.cut()
      await wait()
      for (const each of befallen) each.mend()
      return
    case 'lose':
      for (const each of befallen) each.loseSome(() => chance.isSo(0.1))
      await wait()
      for (const each of befallen) each.mend()
      return
    case 'jump':
      return gateway.setClock(chance.pick(-30_000, -2000, 2000, 30_000))
    case 'sleep':
      return life.sleep(chance.pick(5000, 60_000, 600_000))
  }
}

function anyOf({ awake, chance }: Life): LifeGateway | null {
  return awake.length === 0 ? null : chance.pick(...awake)
}

/** Who asks a process that is killed meanwhile has no answer. */
async function unlessDead(gateway: LifeGateway, asking: Promise<unknown>): Promise<void> {
  await asking.catch((error: unknown) => {
    if (!gateway.isDead) throw error
  })
}
