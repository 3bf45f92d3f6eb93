import { Pool } from 'undici'
import type { Car } from './cars.ts'
import type { FeedbackSender } from './feedback-sender.ts'
import type { Random } from './seeded-random.ts'
import { UserTallies } from './user-tally.ts'
import type { UserTally } from './user-tally.ts'
import { createVisitors } from './visitors.ts'
import type { Visitor } from './visitors.ts'

/** Whom the users ask, how often, and about which cars. */
export type TrafficOptions = {
  readonly service: string
  /** Origin of the gateway's data port. */
  readonly origin: string
  /** Requests per second. */
  readonly rate: number
  /** Drawn from, with replacement. */
  readonly cars: readonly Car[]
  /** Told the true value of every request. */
  readonly feedback: Pick<FeedbackSender, 'add'>
  readonly random: Random
  readonly monotonic: () => number
  /** Begins every user and request id, so that runs differ in who is sent where. */
  readonly idPrefix: string
  /** Stops by itself after so many requests; null = only when closed. */
  readonly limit: number | null
}

/** Users at work on one service. */
export type Traffic = {
  readonly read: () => UserTally
  /** Resolves when the limit was reached and every answer is in. */
  readonly finished: Promise<void>
  /** Sends no more, and resolves when every answer is in. */
  readonly close: () => Promise<void>
  /** Sends no more, and drops what is under way: for a gateway that is gone. */
  readonly abandon: () => Promise<void>
}

const TICK_MS = 10
const CONNECTIONS = 32
const TIMEOUT_MS = 10_000

/** Behind by more than this, the generator lets go of what it owes: it must not answer a stall with a flood. */
const MOST_OWED_SECONDS = 0.5

/**
 * Sends requests at a fixed rate over keep-alive connections, whether answers come or not (an open
 * loop: users do not wait for each other), and books what each user saw.
 */
export function createTraffic(options: TrafficOptions): Traffic {
  const pool = new Pool(options.origin, {
    connections: CONNECTIONS,
    headersTimeout: TIMEOUT_MS,
    bodyTimeout: TIMEOUT_MS,
  })
  const tallies = new UserTallies()
  const nextVisitor = createVisitors(options.idPrefix, options.random)
  const open = new Set<Promise<void>>()
  let finish: () => void
  const finished = new Promise<void>((resolve) => (finish = resolve))
  let closing: Promise<void> | null = null
  let sent = 0
  let owed = 0
  let lastTick = options.monotonic()

  const timer = setInterval(() => {
    const now = options.monotonic()
    owed += ((now - lastTick) / 1000) * options.rate
    owed = Math.min(owed, options.rate * MOST_OWED_SECONDS)
    lastTick = now
    for (; owed >= 1 && sent !== options.limit; owed -= 1) send()
    if (sent === options.limit) void closeOnce()
  }, TICK_MS)

  function send(): void {
    const car = options.cars[Math.floor(options.random() * options.cars.length)]!
    const requestId = `${options.idPrefix}-r${sent}`
    sent += 1
    const exchange = askOnce(pool, options.service, nextVisitor(), requestId, car).then(
      (answer) => {
        tallies.add(answer.variant, answer.prediction, car.milesPerGallon)
        options.feedback.add({ service: options.service, requestId, label: car.milesPerGallon })
        open.delete(exchange)
      },
    )
    open.add(exchange)
  }

  async function close(): Promise<void> {
    clearInterval(timer)
    await Promise.all(open)
    await pool.close()
    finish()
  }

  function closeOnce(): Promise<void> {
    return (closing ??= close())
  }

  return {
    read: () => tallies.read(),
    finished,
    close: closeOnce,
    abandon: async () => {
      clearInterval(timer)
      await pool.destroy()
      await Promise.all(open)
    },
  }
}

type UserAnswer = { readonly variant: string; readonly prediction: number | null }

async function askOnce(
  pool: Pool,
  service: string,
  visitor: Visitor,
  requestId: string,
  car: Car,
): Promise<UserAnswer> {
  try {
    const { statusCode, headers, body } = await pool.request({
      method: 'POST',
      path: `/v2/models/${service}/infer`,
      headers: {
        'content-type': 'application/json',
        'x-user-id': visitor.userId,
        'x-request-id': requestId,
      },
      body: JSON.stringify({
        id: requestId,
        parameters: { card_tier: visitor.cardTier },
        inputs: [
          {
            name: 'features',
            shape: [1, car.features.length],
            datatype: 'FP64',
            data: car.features,
          },
        ],
      }),
    })
    const variant = String(headers['x-serin-variant'] ?? 'none')
    const text = await body.text()
    return { variant, prediction: statusCode === 200 ? readPrediction(text) : null }
  } catch {
    // Refused, reset, cut off, timed out or unreadable: to the user it is one thing, no answer.
    return { variant: 'none', prediction: null }
  }
}

function readPrediction(text: string): number | null {
  const answer = JSON.parse(text) as {
    readonly outputs?: readonly { readonly data?: readonly unknown[] }[]
  }
  const value = answer.outputs?.[0]?.data?.[0]
  return typeof value === 'number' ? value : null
}
