import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { setImmediate as nextTurn, setTimeout as delay } from 'node:timers/promises'
import type { ServiceJson } from '../../../src/admin/present.ts'
import { LEASE_TTL_MS } from '../../../src/evaluator/lease-keeper.ts'
import { Contract, readDocument } from '../../admin/contract.ts'
import type { RedisServer } from '../../support/redis-server.ts'
import type { AccessEntry } from '../../../src/proxy/access-log.ts'
import { AccessLines } from './access-lines.ts'
import { Chance } from './chance.ts'
import { drawService, type ServiceParts } from './draw-service.ts'
import { LifeDisturbances } from './life-disturbances.ts'
import { LifeFeedback } from './life-feedback.ts'
import { LifeGateway, parseServices, type Services } from './life-gateway.ts'
import { forgotten, knownEvidence, type KnownEvidence } from './known-evidence.ts'
import { isSpoilt, LifeInspector, type Done } from './life-inspector.ts'
import { LifeLog, type LogCopy } from './life-log.ts'
import { startModels, type LifeModels } from './life-models.ts'
import { judgeAgain } from './judge-again.ts'
import { LifeTerminal } from './life-terminal.ts'
import { LifeTime } from './life-time.ts'
import { LifeTraffic } from './life-traffic.ts'
import { judgeServed, TRIP_STORED_MS } from './served-requests.ts'
import { SharedStore } from './shared-store.ts'
import type { StoreCopy } from './strike-store.ts'
import { lmdbAt, redisAt } from './store-engine.ts'

/** How a life is led. */
export type LifeOptions = {
  /** Where its store lies; no other life has it. */
  readonly folder: string
  readonly seed: number
  readonly gateways: number
  readonly services: number
  /** Where its store is; absent = it is an LMDB in its folder. */
  readonly redis?: RedisServer
}

/** Between two looks of a gateway. */
export const TURN_MS = 250

/** After a start somebody decides, and has read what is stored. */
const RESTARTED_MS = 1000

/** So long after a file was taken all go by it. */
const CALM_MS = 2000

/** Once all of them are there, all know of each other and of what is stored within this. */
const HEALED_MS = 6000

/** Who decided and stands still, or is gone, is succeeded, and the trip of a breaker is a decision, within this. */
const SUCCEEDED_MS = LEASE_TTL_MS + 3000

/** What a gateway is asked for is answered within this: an order, or feedback that it does not know the cohorts of yet. */
const ANSWERED_MS = 20_000

/** A gateway that ends waits for no look of another one for longer than this. */
const STOP_MS = 20_000

/** As far as a life reads it. */
type LogLine = {
  readonly level: number
  readonly msg?: string
  readonly decision?: number | { readonly service: string; readonly id: number }
}

/** A pino line of this level or above wakes somebody. */
const ERROR_LEVEL = 50

/** So much of what is told says what kind of fault it is. */
const KIND_LENGTH = 120

/** Some gateways on one store, with random services, on a time of their own: what happens to them is for others to say. */
export class Life {
  readonly chance: Chance
  readonly time = new LifeTime()
  readonly faults: string[] = []
  readonly log = new LifeLog((what) => this.fault(what))
  readonly access = new AccessLines((what) => this.fault(what))
  readonly store: SharedStore
  readonly disturbances = new LifeDisturbances(this.time)
  readonly traffic: LifeTraffic
  readonly feedback: LifeFeedback
  readonly inspector: LifeInspector
  readonly terminal: LifeTerminal
  readonly models: LifeModels
  /** The server of its store; null = it has none. */
  readonly redis: RedisServer | null
  /** By place; null = none is there. */
  readonly gateways: (LifeGateway | null)[]
  /** What all gateways are to have. */
  services: Services = {}
  /** Services that a file has left out, as they were. */
  readonly gone = new Map<string, ServiceParts>()
  /** The last one that was made of its store; null = there is none. */
  copy: StoreCopy | null = null
  /** Attempts that were judged again, and came out as they were. */
  judgedAgain = 0
  readonly #folder: string
  readonly #kinds = new Set<string>()
  /** Decisions that a log had. */
  readonly #told = new Set<string>()
  readonly #underWay = new Set<Promise<void>>()
  /** So many of the requests that were served have been judged. */
  #judged = 0

  private constructor(options: LifeOptions, models: LifeModels, contract: Contract) {
    const { folder, seed, gateways, redis = null } = options
    this.#folder = folder
    this.redis = redis
    this.models = models
    this.chance = new Chance(seed)
    const engine = redis === null ? lmdbAt(join(folder, 'data')) : redisAt(redis.address())
    this.store = new SharedStore(engine, this.time, (stored) => this.log.add(stored, this.time.ms))
    this.gateways = Array.from({ length: gateways }, () => null)
    this.traffic = new LifeTraffic(this.chance, models, this.time)
    const { access, log } = this
    this.inspector = new LifeInspector(contract, { access, log }, (what) => this.fault(what))
    this.terminal = new LifeTerminal(this.time, this.inspector, (what) => this.fault(what))
    this.feedback = new LifeFeedback(this.chance, this.time, this.inspector, (what) =>
      this.fault(what),
    )
  }

  /** Draws the services and starts the gateways, one after the other. */
  static async begin(options: LifeOptions): Promise<Life> {
    mkdirSync(options.folder, { recursive: true })
    const life = new Life(options, await startModels(), new Contract(await readDocument()))
    const names = Array.from({ length: options.services }, (_, i) => `s${i}`)
    life.services = Object.fromEntries(names.map((name) => [name, life.draw(name)]))
    for (const place of life.gateways.keys()) await life.start(place)
    return life
  }

  /** Those that serve now. */
  get awake(): readonly LifeGateway[] {
    return this.gateways.filter((each) => each !== null && !each.clock.isHeld) as LifeGateway[]
  }

  /** Since when nothing has befallen anybody, and all have the same file; Infinity = something has of late. */
  get calmSince(): number {
    const since = this.gateways.map((each) => {
      const isWell = each !== null && !each.isTroubled && each.services === this.services
      return isWell ? Math.max(each.wellAt, each.taken.at(-1)!.at + CALM_MS) : Infinity
    })
    return Math.max(...since)
  }

  /** Something is not as it has to be; what only has other numbers than one before is told once. */
  fault(what: string): void {
    const kind = what.replaceAll(/\d+/g, '#').slice(0, KIND_LENGTH)
    if (this.#kinds.has(kind)) return
    this.#kinds.add(kind)
    this.faults.push(`at ${this.time.ms} ms: ${what}`)
  }

  /** A service that a configuration may have. */
  draw(name: string): ServiceParts {
    for (;;) {
      const service = drawService(this.chance, name, this.models.origins)
      if (this.isValid({ [name]: service })) return service
    }
  }

  /** Whether a file with these services is taken; what is said against it is for people. */
  isValid(services: Services): boolean {
    const read = parseServices(services, this.#folder, 0)
    const told = read.ok ? read.warnings : read.problems
    for (const { message } of told) if (isSpoilt(message)) this.fault(`a file: ${message}`)
    return read.ok
  }

  /** A gateway begins, with the services that are wanted now; with `isCut` the store is away from it. */
  async start(place: number, skewMs = 0, isCut = false): Promise<void> {
    const { chance, store, time } = this
    const around = { ...{ chance, store, time }, folder: this.#folder, onLine: this.#hear }
    const gateway = new LifeGateway(place, this.services, around, skewMs)
    if (isCut) gateway.cut()
    await gateway.start()
    this.gateways[place] = gateway
  }

  /** Something that is not waited for now: time has to pass before it ends. Faults are what it throws. */
  begin(doing: Promise<unknown>): void {
    const known = doing
      .then(() => {})
      .catch((error: unknown) => this.fault(String((error as Error).stack)))
      .finally(() => this.#underWay.delete(known))
    this.#underWay.add(known)
  }

  /** Requests come to each service at any gateway, and a quarter of a second passes. */
  async turn(): Promise<void> {
    const { chance, traffic } = this
    for (const name of Object.keys(this.services)) {
      for (let left = chance.whole(0, traffic.mood.most); left > 0; left -= 1) {
        const [gateway] = this.awake.length === 0 ? [] : [chance.pick(...this.awake)]
        if (gateway !== undefined) await traffic.send(gateway, name)
      }
    }
    await this.pass(TURN_MS)
    const isTroubled = this.gateways.some((each) => each?.isTroubled ?? true)
    this.#judge(this.time.ms - (isTroubled ? SUCCEEDED_MS : TRIP_STORED_MS))
  }

  /** What was done to a service by now. */
  known(service: string): Done {
    const { feedback, time, traffic } = this
    const of = (counts: ReadonlyMap<string, number>) => counts.get(service) ?? 0
    return { now: time.ms, requests: of(traffic.sent), labels: of(feedback.labels) }
  }

  /** Time passes, and nothing else does. */
  async pass(ms: number): Promise<void> {
    await this.time.pass(ms, async () => {
      await nextTurn()
      await this.store.settled()
    })
  }

  /** The machines sleep: their timers find it out. */
  sleep(ms: number): void {
    for (const each of this.awake) each.sleep(this.time.ms + ms)
    this.time.ms += ms
  }

  /** The store has what it had at another moment: what was told since then may be told again. */
  rewind(log: LogCopy): void {
    this.log.rewind(log, this.time.ms)
    this.#told.clear()
    this.feedback.forget()
  }

  /** All gateways end in order and begin again: what was known is known. */
  async restart(): Promise<void> {
    const before = await this.#evidence()
    for (const gateway of this.gateways) if (gateway !== null) await this.stop(gateway)
    for (const place of this.gateways.keys()) await this.start(place)
    await this.pass(RESTARTED_MS)
    for (const what of forgotten(before, await this.#evidence())) this.fault(`restarted: ${what}`)
  }

  /** Ends a gateway in order: time passes meanwhile, since others may have to look first. */
  async stop(gateway: LifeGateway): Promise<void> {
    this.gateways[gateway.place] = null
    let isOver = false
    const over = gateway.stop().finally(() => (isOver = true))
    for (let left = STOP_MS; left > 0 && !isOver; left -= TURN_MS) {
      await this.pass(TURN_MS)
      // What it waits for is real by then: ports that close.
      await delay(1)
    }
    await over
  }

  /** All of them are there, time goes by until nothing waits any more, and then everything is looked at. */
  async heal(): Promise<void> {
    for (const [place, gateway] of this.gateways.entries()) {
      if (gateway === null) await this.start(place)
      else {
        gateway.mend()
        if (gateway.services !== this.services) await gateway.reload(this.services)
      }
    }
    this.models.recover()
    await this.traffic.settled()
    await this.pass(HEALED_MS)
    for (let left = ANSWERED_MS; left > 0 && this.#underWay.size > 0; left -= TURN_MS) {
      await this.pass(TURN_MS)
      await delay(1)
    }
    await Promise.all(this.#underWay)
    this.#judge(Infinity)
    await this.#lookAtAll()
  }

  async #lookAtAll(): Promise<void> {
    const { chance, inspector, terminal, traffic } = this
    for (const gateway of this.awake) {
      for (const name of Object.keys(this.services)) {
        await inspector.look(gateway, name, chance, this.known(name))
        await terminal.look(gateway, name, chance)
      }
      await inspector.count(gateway, traffic)
    }
    const [gateway] = this.awake
    for (const name of Object.keys(this.services)) {
      this.judgedAgain += await judgeAgain(this, gateway!, name)
    }
  }

  /** Ends everything. */
  async end(): Promise<void> {
    for (const gateway of this.awake) await gateway.stop()
    await this.traffic.close()
    await this.models.close()
  }

  /** As who decides has it; empty where nobody is known to. */
  async #evidence(): Promise<KnownEvidence> {
    for (const gateway of this.awake) {
      const { text } = await this.inspector.ask(gateway, '/metrics')
      if (!/^serin_leader 1$/m.test(text)) continue
      const answer = await this.inspector.ask(gateway, '/api/v1/services')
      return knownEvidence(answer.json<{ readonly services: readonly ServiceJson[] }>().services)
    }
    return new Map()
  }

  #judge(until: number): void {
    const { served } = this.traffic
    while (this.#judged < served.length && served[this.#judged]!.at < until) {
      const each = served[this.#judged++]!
      const wrong = judgeServed(each, this.log)
      if (wrong !== null) this.fault(`${wrong}\n${this.log.print(each.service)}`)
    }
  }

  readonly #hear = (gateway: LifeGateway, line: string): void => {
    if (isSpoilt(line)) this.fault(`${gateway.name} logs ${line}`)
    const told = JSON.parse(line) as LogLine
    if (told.msg === 'request') return this.access.add(gateway, told as unknown as AccessEntry)
    const { level, decision } = told
    if (typeof decision === 'object') {
      const of = `${decision.service} ${decision.id}`
      if (this.#told.has(of)) this.fault(`${gateway.name} tells of decision ${of} again`)
      this.#told.add(of)
    }
    // Who is well may have asked who is not.
    const isExplained = gateway.isTroubled || this.gateways.some((each) => each?.isTroubled ?? true)
    if (level >= ERROR_LEVEL && !isExplained) this.fault(`${gateway.name} logs ${line}`)
  }
}
