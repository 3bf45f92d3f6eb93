import type { Decision } from '../domain/decision.ts'
import type { AdminDeps } from './admin-deps.ts'
import { encodeEvent, HEARTBEAT, type EventStream } from './event-stream.ts'
import { lastDecisionOf, presentDecisionLine, presentService } from './present.ts'
import { presentSummary } from './present-summary.ts'
import type { ServiceStatus } from './service-status.ts'
import { ToldMembers } from './told-members.ts'

/** How often what has changed is told. */
export const LOOK_MS = 1000
/** Of so many looks one tells counters that moved, and nothing else, of all services. */
const FIGURES_EVERY = 5
/** Of so many looks one sends a comment, and asks whether the readers may still read. */
const HEARTBEAT_EVERY = 15
/** Decisions that are told again to a reader that comes back, of one service. */
const MOST_REPLAYED = 100

/** What the feed needs of the gateway. */
export type LiveFeedDeps = Pick<
  AdminDeps,
  'services' | 'service' | 'decisions' | 'clock' | 'isDraining' | 'log'
>

/**
 * Tells readers what changes: each look presents what is watched once, whoever reads it, and sends what
 * differs from the look before. It looks only while somebody reads.
 */
export class LiveFeed {
  readonly #deps: LiveFeedDeps
  /** Readers of everything, and what they know. */
  readonly #all = new Set<EventStream>()
  readonly #summaries = new Map<string, ToldMembers>()
  /** By service: those who read of it alone. */
  readonly #watched = new Map<string, { readonly streams: Set<EventStream>; told: ToldMembers }>()
  /** The newest decision that was told of each service. */
  readonly #decided = new Map<string, number>()
  #timer: NodeJS.Timeout | null = null
  #looks = 0
  #looking: Promise<void> | null = null

  constructor(deps: LiveFeedDeps) {
    this.#deps = deps
  }

  /** How many read now. */
  get readers(): number {
    return [...this.#watched.values()].reduce((n, { streams }) => n + streams.size, this.#all.size)
  }

  /**
   * Tells a reader how things are, and from then on what changes, of one service or (null) of all. Decisions
   * made from `since` on (milliseconds since the epoch; null = none) are told first, at least once.
   */
  async join(stream: EventStream, service: string | null, since: number | null): Promise<void> {
    this.#wake()
    if (service === null) {
      if (this.#all.size === 0) this.#tellSummaries(true)
      stream.send(this.#snapshotOfAll())
      this.#all.add(stream)
    } else {
      const watch = this.#watch(service)
      watch.streams.add(stream)
      stream.send(
        encodeEvent('snapshot', `{"at":"${this.#now()}","service":${watch.told.whole()}}`),
      )
    }
    if (since !== null) await this.#replay(stream, service, since)
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
    this.#looking ??= this.#lookOnce()
      .catch((error: unknown) => this.#deps.log.error({ err: error }, 'events could not be told'))
      .finally(() => (this.#looking = null))
    return this.#looking
  }

  async #lookOnce(): Promise<void> {
    if (this.#deps.isDraining()) return this.close()
    this.#looks++
    if (this.#looks % HEARTBEAT_EVERY === 0) this.#beat()
    if (this.#all.size > 0) this.#tellSummaries(this.#looks % FIGURES_EVERY === 0)
    for (const [service, { streams, told }] of this.#watched) {
      const status = this.#deps.service(service)
      if (status === null) this.#tellRemoved(streams, service)
      else this.#tellChanges(streams, service, told.changes(presentService(status)))
    }
    await this.#tellDecisions()
  }

  #tellSummaries(withFigures: boolean): void {
    const statuses = this.#deps.services()
    for (const status of statuses) {
      const { name } = status.service
      const { figures, ...rest } = presentSummary(status)
      let told = this.#summaries.get(name)
      const isNew = told === undefined
      if (told === undefined) this.#summaries.set(name, (told = new ToldMembers()))
      const changes = told.changes(withFigures || isNew ? { ...rest, figures } : rest)
      this.#tellChanges(this.#all, name, changes)
    }
    if (this.#summaries.size === statuses.length) return
    const known = new Set(statuses.map(({ service }) => service.name))
    for (const name of this.#summaries.keys()) {
      if (known.has(name)) continue
      this.#summaries.delete(name)
      this.#tell(this.#all, 'removed', JSON.stringify({ name }))
    }
  }

  async #tellDecisions(): Promise<void> {
    const statuses =
      this.#all.size > 0
        ? this.#deps.services()
        : [...this.#watched.keys()].flatMap((name) => this.#deps.service(name) ?? [])
    for (const status of statuses) {
      const { name } = status.service
      const last = lastDecisionOf(status)
      const told = this.#decided.get(name) ?? last?.id ?? 0
      this.#decided.set(name, last?.id ?? told)
      if (last === null || last.id <= told) continue
      const decisions = last.id === told + 1 ? [last] : await this.#decisionsAfter(name, told)
      for (const decision of decisions) {
        const event = encodeDecision(decision)
        for (const stream of this.#all) stream.send(event)
        for (const stream of this.#watched.get(name)?.streams ?? []) stream.send(event)
      }
    }
  }

  async #replay(stream: EventStream, service: string | null, since: number): Promise<void> {
    const status = service === null ? null : this.#deps.service(service)
    const statuses = service === null ? this.#deps.services() : status === null ? [] : [status]
    const isSince = ({ at }: Decision) => at >= since
    const missed = await Promise.all(
      statuses
        .filter((s) => (lastDecisionOf(s)?.at ?? -1) >= since)
        .map(async (s) => (await this.#decisionsAfter(s.service.name, 0)).filter(isSince)),
    )
    const inOrder = missed.flat().toSorted((a, b) => a.at - b.at)
    for (const decision of inOrder) stream.send(encodeDecision(decision))
  }

  async #decisionsAfter(service: string, after: number): Promise<readonly Decision[]> {
    const newestFirst = await this.#deps.decisions(service, { after, limit: MOST_REPLAYED })
    return newestFirst.toReversed()
  }

  #watch(service: string) {
    let watch = this.#watched.get(service)
    if (watch === undefined) {
      watch = { streams: new Set<EventStream>(), told: new ToldMembers() }
      const status = this.#deps.service(service)
      if (status !== null) watch.told.changes(presentService(status))
      this.#watched.set(service, watch)
    }
    return watch
  }

  #snapshotOfAll(): Buffer {
    const services = [...this.#summaries.values()].map((told) => told.whole())
    return encodeEvent('snapshot', `{"at":"${this.#now()}","services":[${services.join(',')}]}`)
  }

  #tellChanges(streams: ReadonlySet<EventStream>, name: string, changes: string | null): void {
    if (changes === null) return
    const data = `{"at":"${this.#now()}","name":${JSON.stringify(name)},"changes":${changes}}`
    this.#tell(streams, 'service', data)
  }

  #tell(streams: ReadonlySet<EventStream>, event: string, data: string): void {
    if (streams.size === 0) return
    const encoded = encodeEvent(event, data)
    for (const stream of streams) stream.send(encoded)
  }

  // Nothing more can be told of it.
  #tellRemoved(streams: ReadonlySet<EventStream>, name: string): void {
    this.#tell(streams, 'removed', JSON.stringify({ name }))
    for (const stream of streams) stream.end()
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
    this.#decided.clear()
    for (const status of this.#deps.services()) this.#noteDecided(status)
    this.#timer = setInterval(() => void this.look(), LOOK_MS)
    this.#timer.unref()
  }

  #noteDecided(status: ServiceStatus): void {
    this.#decided.set(status.service.name, lastDecisionOf(status)?.id ?? 0)
  }

  #sleep(): void {
    if (this.#timer !== null) clearInterval(this.#timer)
    this.#timer = null
    this.#summaries.clear()
  }

  #now(): string {
    return new Date(this.#deps.clock.now()).toISOString()
  }
}

function encodeDecision(decision: Decision): Buffer {
  return encodeEvent('decision', JSON.stringify(presentDecisionLine(decision)), String(decision.at))
}
