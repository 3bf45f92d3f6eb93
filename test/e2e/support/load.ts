import { setTimeout as delay } from 'node:timers/promises'
import { Agent, request } from 'undici'
import type { Test } from 'tap'
import { postFeedback } from './admin-api.ts'

/** What became of the requests of a load. */
export type LoadTally = {
  sent: number
  /** Answers by status. */
  readonly statuses: Record<number, number>
  /** Requests that had no answer, by the code of the error. */
  readonly broken: Record<string, number>
  /** Answers by variant. */
  readonly variants: Record<string, number>
  /** Ids of requests whose feedback was acknowledged, as joined, latest last. */
  readonly acknowledged: string[]
  /** Lines of feedback by what became of them. */
  readonly labels: { joined: number; unmatched: number; late: number; duplicate: number }
  /** Posts of feedback that failed. */
  feedbackFailures: number
}

export type LoadOptions = {
  /** Where requests go; asked before each one, so that a gateway may come back elsewhere. */
  readonly data: () => string
  /** Where feedback goes; absent = none is sent. */
  readonly admin?: () => string
  readonly path: string
  /** Requests under way at once. */
  readonly concurrency: number
  /** After how long a client gives up, in ms; absent = never. */
  readonly patienceMs?: number
  /** At most so many requests a second; absent = as many as go. */
  readonly perSecond?: number
  readonly draw: () => number
  /** What is sent; by default `{"x": …}`. */
  readonly body?: (asked: { readonly x: number; readonly user: string }) => string
  /** Requests in a row of one user; 1 by default. */
  readonly perUser?: number
  /** What is said of a request that was answered well; by default its true value. */
  readonly say?: (answered: Answered) => readonly object[]
  /** How long that is kept back at least; 0 by default. */
  readonly sayAfterMs?: number
}

/** A request that had its answer. */
export type Answered = {
  readonly requestId: string
  readonly user: string
  /** Whether it was the user's first. */
  readonly isFirst: boolean
  readonly variant: string
  readonly x: number
}

/** Requests of ever new users until `stop`, and feedback on them a moment later. */
export type Load = { readonly tally: LoadTally; readonly stop: () => Promise<void> }

/** How often feedback is sent: by time, so that a slow machine makes no label late. */
const SAY_EVERY_MS = 100

/** Starts a load; whatever fails is counted, never thrown. */
export function startLoad(t: Test, options: LoadOptions): Load {
  const agent = new Agent({ connections: options.concurrency })
  const tally: LoadTally = {
    sent: 0,
    statuses: {},
    broken: {},
    variants: {},
    acknowledged: [],
    labels: { joined: 0, unmatched: 0, late: 0, duplicate: 0 },
    feedbackFailures: 0,
  }
  let isRunning = true
  const run = `${process.pid}-${Math.floor(options.draw() * 1e9)}`

  const gapMs = (1000 * options.concurrency) / (options.perSecond ?? Infinity)

  const { perUser = 1, say = sayLabel, body = ({ x }) => JSON.stringify({ x }) } = options
  const { admin, sayAfterMs = 0, patienceMs } = options
  let said: Said[] = []
  const sendSaid = async (until: number) => {
    const due = said.filter(({ at }) => at <= until)
    said = said.slice(due.length)
    if (admin !== undefined && due.length > 0) await sendFeedback(admin(), tally, due)
  }
  const teller = async (): Promise<void> => {
    while (isRunning) {
      await delay(SAY_EVERY_MS)
      await sendSaid(performance.now() - sayAfterMs)
    }
  }

  const worker = async (): Promise<void> => {
    let nextAt = performance.now()
    while (isRunning) {
      const place = tally.sent++
      const requestId = `r-${run}-${tally.sent}`
      const user = `u-${run}-${Math.floor(place / perUser)}`
      const x = Math.round(options.draw() * 1000) / 10
      try {
        const answer = await request(`${options.data()}${options.path}`, {
          method: 'POST',
          dispatcher: agent,
          headers: {
            'content-type': 'application/json',
            'x-user-id': user,
            'x-request-id': requestId,
          },
          body: body({ x, user }),
          ...(patienceMs === undefined ? {} : { signal: AbortSignal.timeout(patienceMs) }),
        })
        await answer.body.dump()
        count(tally.statuses, answer.statusCode)
        const variant = String(answer.headers['x-serin-variant'])
        count(tally.variants, variant)
        const isFirst = place % perUser === 0
        if (answer.statusCode === 200) {
          const at = performance.now()
          const lines = say({ requestId, user, isFirst, variant, x })
          said.push(...lines.map((line) => ({ at, requestId, line })))
        }
      } catch (error) {
        count(tally.broken, (error as NodeJS.ErrnoException).code ?? String(error))
        await new Promise((resolve) => setImmediate(resolve))
      }
      nextAt += gapMs
      if (nextAt > performance.now()) await delay(nextAt - performance.now())
      else nextAt = performance.now()
    }
  }

  const workers = Promise.all([teller(), ...Array.from({ length: options.concurrency }, worker)])
  const stop = async () => {
    isRunning = false
    await workers
    await sendSaid(Infinity)
    await agent.close()
  }
  let stopping: Promise<void> | null = null
  const stopOnce = () => (stopping ??= stop())
  t.teardown(stopOnce)
  return { tally, stop: stopOnce }
}

type Said = { readonly at: number; readonly requestId: string; readonly line: object }

function sayLabel({ requestId, x }: Answered): readonly object[] {
  return [{ requestId, label: x }]
}

async function sendFeedback(
  admin: string,
  tally: LoadTally,
  batch: readonly Said[],
): Promise<void> {
  try {
    const report = await postFeedback(
      admin,
      batch.map(({ line }) => line),
    )
    tally.labels.joined += report.joined
    tally.labels.unmatched += report.unmatched
    tally.labels.late += report.late
    tally.labels.duplicate += report.duplicate
    if (report.joined === batch.length) tally.acknowledged.push(...batch.map((b) => b.requestId))
  } catch {
    tally.feedbackFailures += 1
  }
}

function count(into: Record<string | number, number>, key: string | number): void {
  into[key] = (into[key] ?? 0) + 1
}
