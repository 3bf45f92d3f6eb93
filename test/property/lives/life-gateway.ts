import { pino } from 'pino'
import { stringify } from 'yaml'
import { parseConfig, type ConfigResult } from '../../../src/config/load.ts'
import type { Config } from '../../../src/config/config.ts'
import type { ReloadResult } from '../../../src/admin/admin-deps.ts'
import { createGateway } from '../../../src/gateway.ts'
import { reloadFrom } from '../../../src/reload.ts'
import type { WorkerGateway } from '../../../src/running-gateway.ts'
import { Chance } from './chance.ts'
import type { ServiceParts } from './draw-service.ts'
import type { LifeClock, LifeTime } from './life-time.ts'
import { StoreWay, type SharedStore } from './shared-store.ts'

/** A file as one gateway has it. */
export type Services = Readonly<Record<string, ServiceParts>>

/** What the gateways of a life have in common. */
export type Surroundings = {
  readonly folder: string
  readonly time: LifeTime
  readonly chance: Chance
  readonly store: SharedStore
  /** Hears of each line of the log of a gateway: its JSON. */
  readonly onLine: (gateway: LifeGateway, line: string) => void
}

/** From then on a gateway has these services. Milliseconds since the life began. */
type Taken = { readonly at: number; readonly config: Config }

/** So long after a trouble a gateway may still speak of it, in milliseconds. */
export const RECOVERY_MS = 10_000

/** Who stood still, or had no store, knows of what was decided within this. */
const KNOWN_AGAIN_MS = 1000

let begun = 0

/** One gateway in one process, from its start to its end. */
export class LifeGateway {
  /** Names it among all processes of all lives. */
  readonly name: string
  readonly place: number
  readonly clock: LifeClock
  readonly way = new StoreWay()
  /** What it was given since it began, the newest last. */
  readonly taken: Taken[] = []
  /** When it last had no store, or stood still; milliseconds since the life began. */
  hadStoreAt: number
  /** It has ended, or is about to: who asks it may have no answer. */
  isDead = false
  data = ''
  admin = ''
  readonly #number = ++begun
  #troubleBegan = 0
  #services: Services
  #gateway: WorkerGateway | null = null
  readonly #around: Surroundings

  constructor(place: number, services: Services, around: Surroundings, skewMs: number) {
    this.name = `process ${this.#number}`
    this.place = place
    this.#services = services
    this.#around = around
    this.clock = around.time.open(skewMs)
    // Who comes later may come after one that was killed.
    this.hadStoreAt = around.time.ms === 0 ? -Infinity : around.time.ms
  }

  get services(): Services {
    return this.#services
  }

  /** What it goes by now. */
  get config(): Config {
    return this.taken.at(-1)!.config
  }

  /** Whether the store was away from it of late, or it stood still, or began: what fails then is no fault. */
  get isTroubled(): boolean {
    return this.isDead || !this.way.isWhole || this.#around.time.ms < this.wellAt
  }

  /** When it is well again, of what befell it last; milliseconds since the life began. */
  get wellAt(): number {
    return this.hadStoreAt + RECOVERY_MS
  }

  /** From when on it may serve what others have moved on from; null = it is as they are. */
  get aloneSince(): number | null {
    const isAlone = !this.way.isWhole || this.clock.isHeld
    const hasJustBeen = this.#around.time.ms - this.hadStoreAt <= KNOWN_AGAIN_MS
    return isAlone || hasJustBeen ? this.#troubleBegan : null
  }

  /** The store is away from it. */
  cut(): void {
    this.#begin()
    this.way.cut()
  }

  /** Its way to the store loses what `loses` says. */
  loseSome(loses: () => boolean): void {
    this.#begin()
    this.way.loses = loses
  }

  /** The process stands still. */
  hold(): void {
    this.#begin()
    this.clock.isHeld = true
  }

  /** All is well again, whatever it was. */
  mend(): void {
    if (this.way.isWhole && !this.clock.isHeld) return
    this.way.mend()
    this.clock.isHeld = false
    this.hadStoreAt = this.#around.time.ms
  }

  /** Its machine sleeps until that moment. */
  sleep(until: number): void {
    this.#begin()
    this.hadStoreAt = until
  }

  /** Whether it has not had this service for some of its life. */
  wasWithout(service: string): boolean {
    return this.taken.some(({ config }) => config.services.every(({ name }) => name !== service))
  }

  /** Whether requests of a service may wait before they are sent. */
  hasDoor(service: string): boolean {
    const variants = this.config.services.find(({ name }) => name === service)?.variants ?? []
    return variants.some(({ maxInFlight }) => maxInFlight !== null)
  }

  /** Whether it has ever gone by a list of its own of what counts as a failure. */
  hasOtherErrors(service: string): boolean {
    return this.taken.some(({ config }) =>
      config.services.some(
        ({ name, failureStatuses }) => name === service && failureStatuses !== null,
      ),
    )
  }

  /** When the version of a variant came that it has now; milliseconds since the life began. */
  versionSince(service: string, variant: string): number {
    const versions = this.taken.map(
      ({ config }) =>
        config.services
          .find(({ name }) => name === service)
          ?.variants.find(({ name }) => name === variant)?.version,
    )
    const before = versions.findLastIndex((version) => version !== versions.at(-1))
    return this.taken[before + 1]!.at
  }

  /** Its machine's clock is set: windows of labels may be over at once. */
  setClock(byMs: number): void {
    this.#begin()
    this.clock.skewMs += byMs
  }

  #begin(): void {
    const now = this.#around.time.ms
    if (this.aloneSince === null) this.#troubleBegan = now
    this.hadStoreAt = now
  }

  /** Opens its ports. Rejects where the gateway does. */
  async start(): Promise<void> {
    const { chance, store, time } = this.#around
    const config = this.#read()
    let ids = 0
    this.#gateway = await createGateway(config, {
      log: pino({ level: 'info' }, { write: (line) => this.#around.onLine(this, line) }),
      linesLost: () => 0,
      clock: this.clock,
      // Its own: when requests end is for the machine to say, and what befalls the life is not.
      draw: new Chance(chance.whole(0, 1e9)).draw,
      // Its first letters name the process in the lease.
      newRequestId: () => `${this.#number}-${++ids}-of-a-life`,
      version: 'of a life',
      reload: (prepare) => reloadFrom(async () => this.#parse(), prepare),
      siblings: null,
      timers: this.clock.timers,
      openStore: async () => ({ store: await store.open(this.way), absence: this.way.absence() }),
    })
    const { data, admin } = await this.#gateway.listen()
    this.data = data!
    this.admin = admin!
    this.taken.push({ at: time.ms, config })
  }

  /** Takes a file over; one that is refused changes nothing. */
  async reload(services: Services): Promise<ReloadResult> {
    const before = this.#services
    this.#services = services
    const result = await this.#gateway!.reload()
    if (result.ok) this.taken.push({ at: this.#around.time.ms, config: this.#read() })
    else this.#services = before
    return result
  }

  /** Ends it in order. */
  async stop(): Promise<void> {
    this.isDead = true
    await this.#gateway!.close()
    this.#leave()
  }

  /** Ends it from one moment to the next: nothing that it does any more comes through. */
  async kill(): Promise<void> {
    this.way.end()
    this.#leave()
    await this.#gateway!.close()
  }

  #leave(): void {
    this.isDead = true
    this.#around.time.close(this.clock)
  }

  #read(): Config {
    const read = this.#parse()
    if (read.ok) return read.config
    throw new Error(read.problems.map(({ message }) => message).join('\n'))
  }

  #parse(): ConfigResult {
    return parseServices(this.#services, this.#around.folder, this.place)
  }
}

/** The text of the file of a gateway: its store is the one that it is handed, and its disk keeps the last weights. */
export function writeServices(services: Services, folder: string, place: number): string {
  const whole = {
    version: 1,
    gateway: {
      listen: '127.0.0.1:0',
      drain: { wait: 0, deadline: '1s', streams: '1s' },
      log: { access: { sample: '100%' } },
    },
    admin: { listen: '127.0.0.1:0' },
    store: 'redis://127.0.0.1:1/0',
    lastWeights: `${folder}/last-weights-${place}.json`,
    services,
  }
  return stringify(whole, { aliasDuplicateObjects: false })
}

/** Reads them as a file's. */
export function parseServices(services: Services, folder: string, place: number): ConfigResult {
  const text = writeServices(services, folder, place)
  return parseConfig(text, { file: `${folder}/serin-${place}.yaml`, env: {} })
}
