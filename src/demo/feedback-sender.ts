import { request } from 'undici'
import type { Random } from './seeded-random.ts'

/** A true value on its way to the gateway. */
export type Label = {
  readonly service: string
  readonly requestId: string
  readonly label: number
}

/** What the gateway said about the true values it was sent. */
export type FeedbackTally = {
  joined: number
  unmatched: number
  late: number
  duplicate: number
  rejected: number
  /** Lines of batches that were not accepted at all. */
  undelivered: number
  /** Why, of the last such batch. */
  lastProblem: string | null
}

/** Where true values are posted, and how long after their answers. */
export type FeedbackSenderOptions = {
  /** Origin of the admin API. */
  readonly origin: string
  /** A true value is known so long after its answer, in milliseconds; drawn evenly between the two. */
  readonly delayMs: readonly [least: number, most: number]
  /** Time between two batches, in milliseconds. */
  readonly batchMs: number
  readonly random: Random
  readonly monotonic: () => number
}

/**
 * Posts true values a moment after their answers, in NDJSON batches, as a business system would once it
 * knows them.
 */
export class FeedbackSender {
  readonly tally: FeedbackTally = {
    joined: 0,
    unmatched: 0,
    late: 0,
    duplicate: 0,
    rejected: 0,
    undelivered: 0,
    lastProblem: null,
  }
  readonly #options: FeedbackSenderOptions
  #waiting: { readonly dueAt: number; readonly label: Label }[] = []
  #timer: NodeJS.Timeout | null = null
  #sending: Promise<void> = Promise.resolve()

  constructor(options: FeedbackSenderOptions) {
    this.#options = options
  }

  /** Hands over a true value to be posted later. */
  add(label: Label): void {
    const { delayMs, random, monotonic, batchMs } = this.#options
    const dueAt = monotonic() + delayMs[0] + random() * (delayMs[1] - delayMs[0])
    this.#waiting.push({ dueAt, label })
    this.#timer ??= setInterval(() => this.#sendDue(monotonic()), batchMs)
  }

  /** Posts what is still waiting, due or not, and resolves when the last batch was answered. */
  async close(): Promise<void> {
    this.#stopTimer()
    this.#sendDue(Number.POSITIVE_INFINITY)
    await this.#sending
  }

  /** Drops what is waiting, and resolves when the batch under way was answered or failed. */
  async abandon(): Promise<void> {
    this.#stopTimer()
    this.#waiting = []
    await this.#sending
  }

  #stopTimer(): void {
    if (this.#timer !== null) clearInterval(this.#timer)
    this.#timer = null
  }

  #sendDue(now: number): void {
    const due = this.#waiting.filter(({ dueAt }) => dueAt <= now)
    if (due.length === 0) return
    this.#waiting = this.#waiting.filter(({ dueAt }) => dueAt > now)
    // One batch at a time: a slow gateway is not made slower by its own feedback.
    this.#sending = this.#sending.then(() => this.#post(due.map(({ label }) => label)))
  }

  async #post(labels: readonly Label[]): Promise<void> {
    try {
      const { statusCode, body } = await request(`${this.#options.origin}/api/v1/feedback`, {
        method: 'POST',
        headers: { 'content-type': 'application/x-ndjson' },
        body: labels.map((label) => `${JSON.stringify(label)}\n`).join(''),
      })
      const text = await body.text()
      if (statusCode !== 200) throw new Error(`feedback was answered ${statusCode}: ${text}`)
      this.#book(JSON.parse(text) as Answer)
    } catch (error) {
      this.tally.undelivered += labels.length
      this.tally.lastProblem = (error as Error).message
    }
  }

  #book(answer: Answer): void {
    this.tally.joined += answer.joined
    this.tally.unmatched += answer.unmatched
    this.tally.late += answer.late
    this.tally.duplicate += answer.duplicate
    this.tally.rejected += answer.rejected.length
  }
}

type Answer = {
  readonly joined: number
  readonly unmatched: number
  readonly late: number
  readonly duplicate: number
  readonly rejected: readonly unknown[]
}
