import { setTimeout as delay } from 'node:timers/promises'
import { Agent, request } from 'undici'
import type { Test } from 'tap'
import { postLabels } from './admin-api.ts'

/** What became of the requests of a load. */
export type LoadTally = {
  sent: number
  /** Answers by status. */
  readonly statuses: Record<number, number>
  /** Requests that had no answer, by the code of the error. */
  readonly broken: Record<string, number>
  /** Answers by variant. */
  readonly variants: Record<string, number>
  /** Ids of requests whose label was acknowledged, as joined, latest last. */
  readonly acknowledged: string[]
  /** Labels by what became of them. */
  readonly labels: { joined: number; unmatched: number; late: number; duplicate: number }
  /** Posts of labels that failed. */
  feedbackFailures: number
}

export type LoadOptions = {
  /** Where requests go; asked before each one, so that a gateway may come back elsewhere. */
  readonly data: () => string
  /** Where labels go; absent = none are sent. */
  readonly admin?: () => string
  readonly path: string
  /** Requests under way at once. */
  readonly concurrency: number
  /** At most so many requests a second; absent = as many as go. */
  readonly perSecond?: number
  readonly draw: () => number
}

/** Requests of ever new users until `stop`, and their true values a moment later. */
export type Load = { readonly tally: LoadTally; readonly stop: () => Promise<void> }

/** Labels of one post. */
const BATCH = 50

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

  let batch: { requestId: string; label: number }[] = []
  const sendBatch = async () => {
    const full = batch
    batch = []
    await sendLabels(options, tally, full)
  }

  const worker = async (): Promise<void> => {
    let nextAt = performance.now()
    while (isRunning) {
      const requestId = `r-${run}-${++tally.sent}`
      const x = Math.round(options.draw() * 1000) / 10
      try {
        const answer = await request(`${options.data()}${options.path}`, {
          method: 'POST',
          dispatcher: agent,
          headers: {
            'content-type': 'application/json',
            'x-user-id': `u-${tally.sent}`,
            'x-request-id': requestId,
          },
          body: JSON.stringify({ x }),
        })
        await answer.body.dump()
        count(tally.statuses, answer.statusCode)
        count(tally.variants, String(answer.headers['x-serin-variant']))
        if (answer.statusCode === 200) batch.push({ requestId, label: x })
      } catch (error) {
        count(tally.broken, (error as NodeJS.ErrnoException).code ?? String(error))
        await new Promise((resolve) => setImmediate(resolve))
      }
      nextAt += gapMs
      if (nextAt > performance.now()) await delay(nextAt - performance.now())
      else nextAt = performance.now()
      if (batch.length >= BATCH) await sendBatch()
    }
  }

  const workers = Promise.all(Array.from({ length: options.concurrency }, worker))
  const stop = async () => {
    isRunning = false
    await workers
    if (batch.length > 0) await sendBatch()
    await agent.close()
  }
  let stopping: Promise<void> | null = null
  const stopOnce = () => (stopping ??= stop())
  t.teardown(stopOnce)
  return { tally, stop: stopOnce }
}

async function sendLabels(
  { admin }: LoadOptions,
  tally: LoadTally,
  batch: readonly { readonly requestId: string; readonly label: number }[],
): Promise<void> {
  if (admin === undefined) return
  try {
    const report = await postLabels(admin(), batch)
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
