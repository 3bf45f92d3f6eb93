import type { Clock } from '../domain/clock.ts'
import type { Decision } from '../domain/decision.ts'
import { eventOf, type NotifySpec } from '../domain/notify.ts'
import type { Store } from '../store/store.ts'
import { hookKey } from './hook-key.ts'
import { retryDelayMs } from './retry-delay.ts'
import type { SendWebhook, WebhookAnswer } from './webhook-sender.ts'

/** A notification that was not delivered this long after its decision is given up. */
export const GIVE_UP_AFTER_MS = 86_400_000

/**
 * What became of an attempt. `failed` is repeated; `refused` (a 4xx that no repetition changes) and
 * `given-up` are not.
 */
export type NotifyResult = 'delivered' | 'failed' | 'refused' | 'given-up'

/** What is told about an attempt. `reason`: why it did not succeed; null where it did, or was not made. */
export type NotifyReport = {
  readonly service: string
  readonly hook: NotifySpec
  readonly decision: number
  readonly result: NotifyResult
  readonly reason: string | null
  /** Until the next attempt; null = there is none. */
  readonly retryInMs: number | null
}

/** What an outbox needs of the world. */
export type OutboxDeps = {
  readonly store: Pick<Store, 'decision' | 'decisions' | 'openNotifyCursor' | 'moveNotifyCursor'>
  readonly clock: Clock
  /** A fresh number in [0, 1). */
  readonly draw: () => number
  /** Whether this process is the one that sends. */
  readonly leads: () => boolean
  readonly send: SendWebhook
  readonly render: (decision: Decision, hook: NotifySpec) => string
  readonly report: (report: NotifyReport) => void
  /** A webhook could not be told, since the store (or serin itself) failed; it is tried again. */
  readonly onError: (error: unknown) => void
  /** The store knew or took all that a webhook asked of it. */
  readonly onDone: () => void
}

/**
 * What one webhook of one service has not heard of yet. The decision log itself is the queue and the store
 * keeps how far it was read, so that no crash loses a notification and a dead receiver takes up no memory.
 * Decisions go out in order, one at a time; one that has to be repeated holds the later ones back.
 */
export class Outbox {
  readonly service: string
  readonly #deps: OutboxDeps
  readonly #key: string
  #hook: NotifySpec
  #failures = 0
  #notBefore = -Infinity
  #hasNews = true
  #isClosed = false
  #running: Promise<void> | null = null

  constructor(service: string, hook: NotifySpec, deps: OutboxDeps) {
    this.service = service
    this.#hook = hook
    this.#deps = deps
    this.#key = hookKey(hook)
  }

  /** There may be something to send. */
  get isDue(): boolean {
    const { clock, leads } = this.#deps
    return (
      this.#hasNews &&
      !this.#isClosed &&
      this.#running === null &&
      clock.monotonic() >= this.#notBefore &&
      leads()
    )
  }

  /** Begins at the newest decision, where the store does not know this webhook yet. Never rejects. */
  async open(): Promise<void> {
    await this.#deps.store
      .openNotifyCursor(this.service, this.#key)
      .catch((error: unknown) => this.#deps.onError(error))
  }

  /** Goes on with the same address and another secret, other events, another template: tries it at once. */
  use(hook: NotifySpec): void {
    this.#hook = hook
    this.#failures = 0
    this.#notBefore = -Infinity
    this.wake()
  }

  /** There may be a decision that it has not heard of. */
  wake(): void {
    this.#hasNews = true
  }

  /** Sends what is there, until nothing is left or an attempt failed. Never rejects. */
  flush(): Promise<void> {
    this.#running ??= this.#flush().finally(() => (this.#running = null))
    return this.#running
  }

  /** Sends nothing more; resolves when the attempt under way has ended. */
  async close(): Promise<void> {
    this.#isClosed = true
    await this.#running
  }

  async #flush(): Promise<void> {
    try {
      // What comes from here on is news again.
      this.#hasNews = false
      await this.#sendAll()
      this.#deps.onDone()
    } catch (error) {
      this.#deps.onError(error)
      this.#retryLater()
    }
  }

  async #sendAll(): Promise<void> {
    const { store } = this.#deps
    let cursor = await store.openNotifyCursor(this.service, this.#key)
    const [newest] = await store.decisions(this.service, { after: cursor, limit: 1 })
    if (newest === undefined) return
    let saved = cursor
    while (cursor < newest.id) {
      const decision = await store.decision(this.service, cursor + 1)
      const step = decision === null ? 'not-for-it' : await this.#offer(decision)
      if (step === 'later') break
      cursor++
      if (step === 'not-for-it') continue
      await store.moveNotifyCursor(this.service, this.#key, cursor)
      saved = cursor
    }
    if (cursor > saved) await store.moveNotifyCursor(this.service, this.#key, cursor)
  }

  async #offer(decision: Decision): Promise<'settled' | 'not-for-it' | 'later'> {
    const hook = this.#hook
    const { clock, leads, render, send } = this.#deps
    const event = eventOf(decision)
    if (!hook.on.includes(event)) return 'not-for-it'
    if (this.#isClosed || !leads()) {
      this.#hasNews = true
      return 'later'
    }
    if (clock.now() - decision.at > GIVE_UP_AFTER_MS) {
      this.#failures = 0
      this.#report(decision, 'given-up', null)
      return 'settled'
    }
    const answer = await send(hook, { event, decision: decision.id, body: render(decision, hook) })
    const { result, reason } = judgeAnswer(answer)
    if (result === 'failed') {
      this.#report(decision, result, reason, this.#retryLater())
      return 'later'
    }
    this.#failures = 0
    this.#report(decision, result, reason)
    return 'settled'
  }

  #retryLater(): number {
    const { clock, draw } = this.#deps
    this.#hasNews = true
    const delayMs = retryDelayMs(++this.#failures, draw())
    this.#notBefore = clock.monotonic() + delayMs
    return delayMs
  }

  #report(
    decision: Decision,
    result: NotifyResult,
    reason: string | null,
    retryInMs: number | null = null,
  ): void {
    const { service } = this
    this.#deps.report({
      service,
      hook: this.#hook,
      decision: decision.id,
      result,
      reason,
      retryInMs,
    })
  }
}

/** 2xx is delivered. 408 (RFC 9110 section 15.5.9) and 429 (RFC 6585 section 4) ask for a repetition. */
function judgeAnswer(answer: WebhookAnswer): {
  readonly result: Exclude<NotifyResult, 'given-up'>
  readonly reason: string | null
} {
  if ('failure' in answer) return { result: 'failed', reason: answer.failure }
  const { status } = answer
  if (status >= 200 && status < 300) return { result: 'delivered', reason: null }
  const isFinal = status >= 400 && status < 500 && status !== 408 && status !== 429
  return { result: isFinal ? 'refused' : 'failed', reason: `answered ${status}` }
}
