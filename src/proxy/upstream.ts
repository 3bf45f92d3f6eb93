import type { EjectSpec, Variant } from '../domain/variant.ts'
import type { Connections } from './connections.ts'

/** What the health checks say of an upstream; `unknown` before the first of them. */
export type Health = 'unknown' | 'up' | 'down'

/** Whose upstream it is, and how it is looked after. */
export type UpstreamSpec = Pick<Variant, 'health' | 'eject' | 'slowStartMs'> & {
  readonly service: string
  readonly variant: string
}

/**
 * One server of one variant: its connections, its load, and whether it should be asked now. It outlives a
 * reload that does not change it, and with it what is known of its health. Times are monotonic ms.
 */
export class Upstream {
  readonly service: string
  /** The variant's name. */
  readonly variant: string
  /** Shared by the upstreams that reach the same server in the same way. */
  readonly connections: Connections
  /** How it is checked; null = by connecting to it. */
  readonly check: Variant['health']
  /** The same for all that one check speaks for. */
  readonly checkKey: string
  /** Attempts that have not ended yet. */
  inFlight = 0
  readonly #eject: EjectSpec | null
  readonly #slowStartMs: number
  #health: Health = 'unknown'
  #healthSince = -Infinity
  #wasUp = false
  #failuresInARow = 0
  #ejections = 0
  #ejectedUntil = -Infinity

  constructor(connections: Connections, spec: UpstreamSpec) {
    this.service = spec.service
    this.variant = spec.variant
    this.connections = connections
    this.check = spec.health
    this.checkKey = JSON.stringify([connections.way, spec.health])
    this.#eject = spec.eject
    this.#slowStartMs = spec.slowStartMs
  }

  /** As configured: `http://10.0.0.1:8000`. */
  get origin(): string {
    return this.connections.way.origin
  }

  get health(): Health {
    return this.#health
  }

  /** Whether its checks have ever found it well. */
  get wasUp(): boolean {
    return this.#wasUp
  }

  /** For how long its checks have failed, after one had succeeded; null = they have not. */
  downForMs(now: number): number | null {
    return this.#health === 'down' && this.#wasUp ? now - this.#healthSince : null
  }

  /**
   * Takes in what its health checks have found. One that is well again after it was not is ejected no longer (Envoy's
   * `successful_active_health_check_uneject_host`), but its next ejection is longer all the same. One whose checks
   * were good throughout stays ejected: it failed requests nevertheless, and its checks say nothing new.
   */
  checked(health: 'up' | 'down', now: number): void {
    if (health === this.#health) return
    // The first finding is no return: there was no time without it.
    this.#healthSince = this.#health === 'unknown' ? -Infinity : now
    if (this.#health === 'down') {
      this.#ejectedUntil = Math.min(this.#ejectedUntil, now)
      this.#failuresInARow = 0
    }
    this.#health = health
    this.#wasUp ||= health === 'up'
  }

  /** Left out because it failed too often in a row. */
  isEjected(now: number): boolean {
    return now < this.#ejectedUntil
  }

  /** Its checks do not fail, and it is not ejected. */
  isAvailable(now: number): boolean {
    return this.#health !== 'down' && now >= this.#ejectedUntil
  }

  /** The part of its share that it gets: below 1 in the slow start after it was away, never below 0.1. */
  share(now: number): number {
    if (this.#slowStartMs === 0) return 1
    const back = Math.max(this.#health === 'up' ? this.#healthSince : -Infinity, this.#ejectedUntil)
    const passed = (now - back) / this.#slowStartMs
    return passed >= 1 ? 1 : Math.max(passed, LEAST_SHARE)
  }

  succeeded(): void {
    this.#failuresInARow = 0
  }

  /**
   * Counts a failure in a row. True: it should be ejected, which its variant may not be able to afford.
   * An upstream that has served for the longest ejection time begins again with the shortest.
   */
  failed(now: number): boolean {
    if (this.#eject === null) return false
    this.#failuresInARow++
    if (now - this.#ejectedUntil > this.#eject.maxMs) this.#ejections = 0
    return this.#failuresInARow >= this.#eject.consecutiveFailures && !this.isEjected(now)
  }

  /** Leaves it out for a while that doubles from time to time, or until its checks find it back. Returns how long, in ms. */
  eject(now: number): number {
    const { baseMs, maxMs } = this.#eject!
    const ms = Math.min(baseMs * 2 ** this.#ejections, maxMs)
    this.#ejections++
    this.#failuresInARow = 0
    this.#ejectedUntil = now + ms
    return ms
  }
}

/** Where the slow start begins: enough to learn whether the upstream is well. */
const LEAST_SHARE = 0.1
