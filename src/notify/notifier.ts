import type { NotifySpec } from '../domain/notify.ts'
import { hookKey } from './hook-key.ts'
import { Outbox, type OutboxDeps } from './outbox.ts'

/** How often it is looked for repetitions that are due, and for having become the leader, in ms. */
const LOOK_MS = 1000

/** Webhooks that are sent to at the same time: news of many services must not open a socket for each. */
const MOST_AT_ONCE = 16

/** The webhooks of one service. */
export type NotifiedService = { readonly name: string; readonly notify: readonly NotifySpec[] }

/**
 * Tells webhooks of decisions, beside everything else: no request and no decision ever waits for it. Every
 * decision that a webhook asked for is delivered at least once, unless it is refused or given up.
 */
export class Notifier {
  readonly #deps: OutboxDeps
  #outboxes = new Map<string, Outbox>()
  readonly #flushing = new Set<Promise<void>>()
  #hasLed = false
  #timer: NodeJS.Timeout | null = null

  constructor(deps: OutboxDeps) {
    this.#deps = deps
  }

  /**
   * Goes on with the webhooks of these services; those that are gone hear no more. Resolves when the store
   * knows the new ones: what is decided from then on is theirs. Never rejects.
   */
  async follow(services: readonly NotifiedService[]): Promise<void> {
    const before = this.#outboxes
    this.#outboxes = new Map()
    const opened: Promise<void>[] = []
    for (const { name, notify } of services) {
      for (const hook of notify) {
        if (hook.on.length === 0) continue
        const id = `${name} ${hookKey(hook)}`
        const outbox = before.get(id) ?? new Outbox(name, hook, this.#deps)
        outbox.use(hook)
        if (!before.delete(id)) opened.push(outbox.open())
        this.#outboxes.set(id, outbox)
      }
    }
    for (const gone of before.values()) void gone.close()
    await Promise.all(opened)
  }

  /** A service has decided something. */
  wake(service: string): void {
    for (const outbox of this.#outboxes.values()) if (outbox.service === service) outbox.wake()
    this.look()
  }

  /** Looks at once, then every second until `close`. */
  start(): void {
    this.#timer = setInterval(() => this.look(), LOOK_MS)
    this.#timer.unref()
    this.look()
  }

  /** Begins to send what is due. */
  look(): void {
    const leads = this.#deps.leads()
    if (leads && !this.#hasLed) for (const outbox of this.#outboxes.values()) outbox.wake()
    this.#hasLed = leads
    this.#flushDue()
  }

  /** Resolves when nothing is under way. */
  async settled(): Promise<void> {
    while (this.#flushing.size > 0) await Promise.race(this.#flushing)
  }

  /** Starts nothing more; resolves when the attempts under way have ended (5 s at most). */
  async close(): Promise<void> {
    if (this.#timer !== null) clearInterval(this.#timer)
    this.#timer = null
    await Promise.all([...this.#outboxes.values()].map((outbox) => outbox.close()))
    await this.settled()
  }

  #flushDue(): void {
    for (const outbox of this.#outboxes.values()) {
      if (this.#flushing.size >= MOST_AT_ONCE) return
      if (!outbox.isDue) continue
      const flushed: Promise<void> = outbox.flush().finally(() => {
        this.#flushing.delete(flushed)
        this.#flushDue()
      })
      this.#flushing.add(flushed)
    }
  }
}
