import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Decision } from '../domain/decision.ts'
import type { AdminDeps } from './admin-deps.ts'
import { DecisionWatch } from './decision-watch.ts'
import { encodeEvent, HEARTBEAT, type EventStream } from './event-stream.ts'
import { encodeChanges, encodeDecision, encodeSnapshot } from './live-events.ts'
import { presentService } from './present.ts'
import { presentSummary, sourcesOfSummary } from './present-summary.ts'
import type { ServiceStatus } from './service-status.ts'
import { ToldMembers } from './told-members.ts'
import { ToldStandings } from './told-standings.ts'

/** How often what has changed is told. */
const LOOK_MS = 1000
/** Of so many looks one tells counters that moved, and nothing else, of all services. */
const FIGURES_EVERY = 5
/** Of so many looks one sends a comment, and asks whether the readers may still read. */
const HEARTBEAT_EVERY = 15
/** Services that are looked at before the event loop gets its turn: about a millisecond's work. */
const AT_A_STRETCH = 40

/** What the feed needs of the gateway. */
export type LiveFeedDeps = Pick<
  AdminDeps,
  | 'serviceNames'
  | 'service'
  | 'gather'
  | 'decisions'
  | 'followDecisions'
  | 'lastReload'
  | 'ready'
  | 'clock'
  | 'isDraining'
  | 'log'
>

/** What was told of one service to those who read of all, and what it was made of. */
type Glance = { readonly told: ToldMembers; sources: readonly unknown[] }

/** Those who read of one service, and what they were told of it. */
type Watch = { readonly streams: Set<EventStream>; readonly told: ToldMembers }

/**
 * Tells readers what changes: each look presents what is watched once, whoever reads it, and sends what
 * differs from the look before. What this process decides is told at once. It looks only while somebody reads.
 */
export class LiveFeed {
  readonly #deps: LiveFeedDeps
  readonly #decisions: DecisionWatch
  /** Who reads of all services, and what was told of each. */
  readonly #all = new Set<EventStream>()
  readonly #summaries = new Map<string, Glance>()
  readonly #standings: ToldStandings
  readonly #watched = new Map<string, Watch>()
  #joining = 0
  #timer: NodeJS.Timeout | null = null
  #looks = 0
  #looking: Promise<void> | null = null
  /** Services that were decided upon since they were told of. */
  readonly #decided = new Set<string>()
  #unfollow: (() => void) | null = null

  constructor(deps: LiveFeedDeps) {
    this.#deps = deps
    this.#decisions = new DecisionWatch(deps.decisions)
    this.#standings = new ToldStandings(deps)
  }

  /** How many read now. */
  get readers(): number {
    return this.#streams().length + this.#joining
  }

  /**
   * Tells a reader how things are, and from then on what changes, of one service or (null) of all. Decisions
   * made from `since` on (milliseconds since the epoch; null = none) are told at least once.
   */
  async join(stream: EventStream, service: string | null, since: number | null): Promise<void> {
    this.#joining++
    try {
      this.#wake()
      await this.#deps.gather(service)
      if (service === null) await this.#joinAll(stream)
      else this.#joinOne(stream, service)
      if (since !== null) await this.#replay(stream, service, since)
    } finally {
      this.#joining--
      if (this.readers === 0) this.#sleep()
    }
  }

  /** Tells a reader nothing any more. */
  leave(stream: EventStream): void {
    this.#all.delete(stream)
    for (const [service, { streams }] of this.#watched) {
      streams.delete(stream)
      if (streams.size === 0) this.#watched.delete(service)
    }
    if (this.readers === 0) this.#sleep()
  }

  /** Ends every stream. */
  close(): void {
    for (const stream of this.#streams()) stream.end()
    this.#all.clear()
    this.#watched.clear()
    this.#sleep()
  }

  /** One look; skipped while the one before is still running. Never rejects. */
  look(): Promise<void> {
    return this.#alone(() => this.#lookOnce())
  }

  // One at a time, or the same would be told twice.
  #alone(tell: () => Promise<void>): Promise<void> {
    this.#looking ??= tell()
      .catch((error: unknown) => this.#deps.log.error({ err: error }, 'events could not be told'))
      .finally(() => {
        this.#looking = null
        if (this.#decided.size > 0) void this.#alone(() => this.#tellDecided())
      })
    return this.#looking
  }

  async #tellDecided(): Promise<void> {
    // What decides is not through with it when it says so.
    await nextTurn()
    const names = [...this.#decided]
    this.#decided.clear()
    await this.#each(
      names.filter((name) => this.#all.size > 0 || this.#watched.has(name)),
      (status) => this.#tell(status, false),
    )
  }

  async #lookOnce(): Promise<void> {
    if (this.#deps.isDraining()) return this.close()
    this.#looks++
    // First: what else is told may need the store.
    this.#tellStandings()
    if (this.#looks % HEARTBEAT_EVERY === 0) this.#beat()
    const withFigures = this.#looks % FIGURES_EVERY === 0
    if (withFigures && this.#all.size > 0) await this.#deps.gather(null)
    else await Promise.all([...this.#watched.keys()].map((name) => this.#deps.gather(name)))
    const names = this.#all.size > 0 ? this.#deps.serviceNames() : [...this.#watched.keys()]
    await this.#each(names, (status) => this.#tell(status, withFigures))
    this.#tellRemoved()
  }

  async #tell(status: ServiceStatus, withFigures: boolean): Promise<void> {
    this.#tellOfOne(status)
    if (this.#all.size > 0) this.#tellOfAll(status, withFigures)
    for (const decision of await this.#decisions.take(status)) this.#tellDecision(decision)
  }

  /** Services by their names, a slice of them at a time. */
  async #each(
    names: readonly string[],
    visit: (status: ServiceStatus) => Promise<void>,
  ): Promise<void> {
    for (const [i, name] of names.entries()) {
      const status = this.#deps.service(name)
      if (status !== null) await visit(status)
      if ((i + 1) % AT_A_STRETCH === 0) await nextTurn()
    }
  }

  async #joinAll(stream: EventStream): Promise<void> {
    if (this.#all.size === 0) {
      this.#summaries.clear()
      for (const [i, name] of this.#deps.serviceNames().entries()) {
        const status = this.#deps.service(name)
        if (status !== null) {
          this.#decisions.note(status)
          this.#tellOfAll(status, true)
        }
        if ((i + 1) % AT_A_STRETCH === 0) await nextTurn()
      }
    }
    if (!stream.isOpen) return
    const services = [...this.#summaries.values()].map(({ told }) => told.whole())
    stream.send(encodeSnapshot(this.#deps.clock.now(), 'services', `[${services.join(',')}]`))
    sendEach([stream], this.#standings.whole().ofAll)
    this.#all.add(stream)
  }

  #joinOne(stream: EventStream, service: string): void {
    if (!stream.isOpen) return
    let watch = this.#watched.get(service)
    if (watch === undefined) {
      const status = this.#deps.service(service)
      // A reload has taken it away since it was asked for.
      if (status === null) return stream.end()
      watch = { streams: new Set(), told: new ToldMembers() }
      watch.told.changes(presentService(status))
      this.#decisions.note(status)
      this.#watched.set(service, watch)
    }
    watch.streams.add(stream)
    stream.send(encodeSnapshot(this.#deps.clock.now(), 'service', watch.told.whole()))
    sendEach([stream], this.#standings.whole().ofOne)
  }

  #tellOfOne(status: ServiceStatus): void {
    const { name } = status.service
    const watch = this.#watched.get(name)
    if (watch === undefined) return
    this.#tellChanges(watch.streams, name, watch.told.changes(presentService(status)))
  }

  #tellOfAll(status: ServiceStatus, withFigures: boolean): void {
    const { name } = status.service
    const sources = sourcesOfSummary(status)
    const known = this.#summaries.get(name)
    if (!withFigures && known?.sources.every((source, i) => source === sources[i]) === true) return
    const glance = known ?? { told: new ToldMembers(), sources }
    glance.sources = sources
    if (known === undefined) this.#summaries.set(name, glance)
    const { figures, ...rest } = presentSummary(status)
    const isWhole = withFigures || known === undefined
    this.#tellChanges(this.#all, name, glance.told.changes(isWhole ? { ...rest, figures } : rest))
  }

  #tellDecision(decision: Decision): void {
    const event = encodeDecision(decision)
    for (const stream of this.#all) stream.send(event)
    for (const stream of this.#watched.get(decision.service)?.streams ?? []) stream.send(event)
  }

  #tellRemoved(): void {
    const names = new Set(this.#deps.serviceNames())
    for (const name of [...this.#summaries.keys(), ...this.#watched.keys()]) {
      if (names.has(name)) continue
      const event = encodeEvent('removed', JSON.stringify({ name }))
      if (this.#summaries.delete(name)) for (const stream of this.#all) stream.send(event)
      for (const stream of this.#watched.get(name)?.streams ?? []) {
        stream.send(event)
        // Nothing more can be told of it.
        stream.end()
      }
      this.#watched.delete(name)
    }
  }

  #tellStandings(): void {
    const { ofAll, ofOne } = this.#standings.changes()
    sendEach(this.#all, ofAll)
    for (const { streams } of this.#watched.values()) sendEach(streams, ofOne)
  }

  async #replay(stream: EventStream, service: string | null, since: number): Promise<void> {
    const names = service === null ? this.#deps.serviceNames() : [service]
    const statuses = names.flatMap((name) => this.#deps.service(name) ?? [])
    const missed = await this.#decisions.since(statuses, since)
    sendEach([stream], missed.map(encodeDecision))
  }

  #tellChanges(streams: ReadonlySet<EventStream>, name: string, changes: string | null): void {
    if (changes === null || streams.size === 0) return
    const event = encodeChanges(this.#deps.clock.now(), name, changes)
    for (const stream of streams) stream.send(event)
  }

  #beat(): void {
    for (const stream of this.#streams()) {
      if (stream.isAllowed) stream.send(HEARTBEAT)
      else stream.end()
    }
  }

  #streams(): EventStream[] {
    return [...this.#all, ...[...this.#watched.values()].flatMap(({ streams }) => [...streams])]
  }

  #wake(): void {
    if (this.#timer !== null) return
    this.#timer = setInterval(() => void this.look(), LOOK_MS)
    this.#timer.unref()
    this.#unfollow = this.#deps.followDecisions((service) => {
      this.#decided.add(service)
      void this.#alone(() => this.#tellDecided())
    })
    this.#decisions.clear()
    this.#standings.clear()
  }

  #sleep(): void {
    if (this.#timer !== null) clearInterval(this.#timer)
    this.#timer = null
    this.#unfollow?.()
    this.#unfollow = null
    this.#decided.clear()
    this.#summaries.clear()
  }
}

function sendEach(streams: Iterable<EventStream>, events: readonly Buffer[]): void {
  for (const stream of streams) for (const event of events) stream.send(event)
}
