/**
 * Load at a fixed rate, without coordinated omission: each request has a time at which it is to be sent,
 * and its latency counts from that time, however late it could be sent (Tene, How NOT to Measure Latency).
 * A child process with IPC: an `OpenLoopOrder` comes in, an `OpenLoopReply` goes out.
 */
import { setImmediate as nextTurn } from 'node:timers/promises'
import { answerBody, BODY_USER, findWork, requestBody, TARGET_PATH, type Work } from '../works.ts'
import { AnswerConnection } from './answer-connection.ts'

/** One stretch of load. */
export type OpenLoopOrder = {
  readonly port: number
  readonly work: string
  readonly ratePerSecond: number
  readonly seconds: number
  /** Keep-alive connections, which the requests take in turns. */
  readonly connections: number
}

/** Percentiles over all requests of the stretch, in milliseconds from the intended time of sending. */
export type OpenLoopResult = {
  readonly requests: number
  /** To the last byte of the answer. */
  readonly p50Ms: number
  readonly p99Ms: number
  /** The median, over tenths of a second, of the p99 of each: see `typicalP99`. */
  readonly typicalP99Ms: number
  /** Until the request was sent: what the load itself was late, or waited for a free connection. */
  readonly sentP99Ms: number
}

/** `begun`: the counted requests come from now on. */
export type OpenLoopReply =
  | { readonly begun: true }
  | { readonly result: OpenLoopResult }
  | { readonly error: string }

/** Requests at the rate before the counted ones, for caches. */
const LEAD_IN_MS = 200
const ANSWERED_WITHIN_MS = 10_000
/** Longest sleep. An answer that comes meanwhile is seen so much later, on either way. */
const LOOK_MS = 0.1

process.on('message', (order: OpenLoopOrder) => {
  run(order).then(
    (result) => process.send!({ result } satisfies OpenLoopReply),
    (error: unknown) => process.send!({ error: String(error) } satisfies OpenLoopReply),
  )
})
process.once('disconnect', () => process.exit())

async function run(order: OpenLoopOrder): Promise<OpenLoopResult> {
  const { port, ratePerSecond, seconds } = order
  const work = findWork(order.work)
  const requestOf = buildRequests(work)
  const check = checkOf(work)
  const leadIn = Math.round((LEAD_IN_MS / 1000) * ratePerSecond)
  const total = leadIn + Math.round(seconds * ratePerSecond)
  const everyMs = 1000 / ratePerSecond
  const latencyMs = new Float64Array(total)
  const lateMs = new Float64Array(total)
  let failure: Error | null = null
  const fail = (error: Error) => (failure ??= error)
  const all = new Set<AnswerConnection>()
  const open = () => {
    const connection = new AnswerConnection(port, fail)
    all.add(connection)
    return connection
  }
  const free: AnswerConnection[] = []
  let answered = 0
  try {
    // Whoever opened them within the counted time would measure that.
    for (let i = 0; i < order.connections; i += 1) {
      const connection = open()
      connection.send(requestOf(0), (status, bodyBytes) => {
        check(status, bodyBytes, fail)
        free.push(connection)
      })
    }
    const deadlineMs = performance.now() + ANSWERED_WITHIN_MS
    while (free.length < order.connections && failure === null) {
      if (performance.now() > deadlineMs) throw new Error('not every connection was answered')
      sleep(LOOK_MS)
      await nextTurn()
    }
    const startMs = performance.now()
    let next = 0
    while (answered < total && failure === null) {
      const now = performance.now()
      // Where none is free the request keeps its time, and goes out when one is.
      for (; next < total && startMs + next * everyMs <= now && free.length > 0; next += 1) {
        if (next === leadIn) process.send!({ begun: true } satisfies OpenLoopReply)
        const index = next
        const dueMs = startMs + index * everyMs
        let connection = free.shift()!
        if (!connection.isOpen) {
          all.delete(connection)
          connection = open()
        }
        lateMs[index] = performance.now() - dueMs
        connection.send(requestOf(index), (status, bodyBytes) => {
          latencyMs[index] = performance.now() - dueMs
          check(status, bodyBytes, fail)
          answered += 1
          free.push(connection)
        })
      }
      if (now > startMs + total * everyMs + ANSWERED_WITHIN_MS) {
        throw new Error(`${total - answered} of ${total} requests were not answered within 10 s`)
      }
      const untilNextMs = startMs + next * everyMs - performance.now()
      const isWaiting = next === total || free.length === 0
      sleep(isWaiting ? LOOK_MS : Math.min(untilNextMs, LOOK_MS))
      await nextTurn()
    }
  } finally {
    for (const connection of all) connection.close()
  }
  if (failure !== null) throw failure as Error
  const typicalP99Ms = typicalP99(latencyMs.subarray(leadIn), Math.max(1, ratePerSecond / 10))
  const latencies = latencyMs.subarray(leadIn).sort()
  return {
    requests: latencies.length,
    p50Ms: percentile(latencies, 0.5),
    p99Ms: percentile(latencies, 0.99),
    typicalP99Ms,
    sentP99Ms: percentile(lateMs.subarray(leadIn).sort(), 0.99),
  }
}

/** Tells of an answer that is not the work's. */
function checkOf(work: Work) {
  const bytes = answerBody(work).length
  return (status: number, bodyBytes: number, fail: (error: Error) => void): void => {
    if (status !== 200) fail(new Error(`an answer with status ${status}`))
    // The framing of a stream counts too.
    if (work.stream === null ? bodyBytes !== bytes : bodyBytes < bytes) {
      fail(new Error(`an answer of ${bodyBytes} bytes instead of ${bytes}`))
    }
  }
}

/**
 * Stops the whole thread. Timers of the event loop know whole milliseconds only, a loop that looks at the clock holds
 * up the upstream on its core, and with a low priority (SCHED_IDLE) such a loop does not always get its turn.
 */
function sleep(ms: number): void {
  if (ms > 0) Atomics.wait(NEVER_WOKEN, 0, 0, ms)
}

const NEVER_WOKEN = new Int32Array(new SharedArrayBuffer(4))

/** The same requests as those of `post.lua`, by their number; each has an id of its own. */
function buildRequests(work: Work): (number: number) => string {
  const template = requestBody(work)
  const burst = performance.now().toFixed()
  const parts = Array.from({ length: work.users }, (_, i) => {
    const user = `user-${String(i).padStart(3, '0')}`
    const body = template.replace(BODY_USER, user)
    const head = [
      `POST ${TARGET_PATH} HTTP/1.1`,
      'Host: 127.0.0.1',
      'Content-Type: application/json',
      `X-User-Id: ${user}`,
      'X-Country: DE',
      `Content-Length: ${body.length}`,
      `X-Request-Id: fixed-rate-${burst}-`,
    ]
    return { before: head.join('\r\n'), after: `\r\n\r\n${body}` }
  })
  return (number) => {
    const { before, after } = parts[number % parts.length]!
    return `${before}${number}${after}`
  }
}

/**
 * The median p99 of runs of `length` neighbouring requests. Where the machine stops for some milliseconds, some times a
 * second, the p99 of all is that of the machine; of most tenths of a second it is not.
 */
function typicalP99(inOrder: Float64Array, length: number): number {
  const runs = Math.floor(inOrder.length / length)
  const p99s = Float64Array.from({ length: runs }, (_, run) => {
    const [from, to] = [Math.round(run * length), Math.round((run + 1) * length)]
    return percentile(inOrder.slice(from, to).sort(), 0.99)
  })
  return percentile(p99s.sort(), 0.5)
}

function percentile(sorted: Float64Array, share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]!
}
