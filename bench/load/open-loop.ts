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
}

/** Percentiles over all requests of the stretch, in milliseconds from the intended time of sending. */
export type OpenLoopResult = {
  readonly requests: number
  /** To the last byte of the answer. */
  readonly p50Ms: number
  readonly p99Ms: number
  /** Until the request was sent: what the load itself was late, or waited for a free connection. */
  readonly sentP99Ms: number
}

export type OpenLoopReply = { readonly result: OpenLoopResult } | { readonly error: string }

/** Requests before the counted ones, for connections and caches. */
const LEAD_IN_MS = 200
/** More than that at once are not in flight: the server does not keep up. */
const MAX_CONNECTIONS = 2000
/**
 * No more than that wait for their first answer. In a server's backlog (nginx and Node: 511) that is full, the kernel
 * drops the packet that opens a connection, and sends it again only a second later.
 */
const MAX_FRESH = 256
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

async function run({ port, work: name, ratePerSecond, seconds }: OpenLoopOrder) {
  const work = findWork(name)
  const requests = buildRequests(work)
  const bytes = answerBody(work).length
  const leadIn = Math.round((LEAD_IN_MS / 1000) * ratePerSecond)
  const total = leadIn + Math.round(seconds * ratePerSecond)
  const everyMs = 1000 / ratePerSecond
  const latencyMs = new Float64Array(total)
  const lateMs = new Float64Array(total)
  const all = new Set<AnswerConnection>()
  const fresh = new Set<AnswerConnection>()
  const free: AnswerConnection[] = []
  let failure: Error | null = null
  let answered = 0
  const open = () => {
    const connection = new AnswerConnection(port, (error) => (failure ??= error))
    all.add(connection)
    fresh.add(connection)
    return connection
  }
  const take = () => {
    for (let connection = free.pop(); connection !== undefined; connection = free.pop()) {
      if (connection.isOpen) return connection
      all.delete(connection)
      fresh.delete(connection)
    }
    return all.size < MAX_CONNECTIONS && fresh.size < MAX_FRESH ? open() : null
  }
  try {
    while (free.length < work.connections) free.push(open())
    const startMs = performance.now() + 20
    let next = 0
    while (answered < total && failure === null) {
      const now = performance.now()
      let isHeldUp = false
      for (; next < total && startMs + next * everyMs <= now; next += 1) {
        const connection = take()
        // The request keeps its time and goes out when a connection is free.
        if (connection === null) {
          isHeldUp = true
          break
        }
        const index = next
        const dueMs = startMs + index * everyMs
        lateMs[index] = performance.now() - dueMs
        connection.send(requests[index % requests.length]!, (status, bodyBytes) => {
          latencyMs[index] = performance.now() - dueMs
          if (status !== 200) failure ??= new Error(`an answer with status ${status}`)
          // The framing of a stream counts too.
          if (work.stream === null ? bodyBytes !== bytes : bodyBytes < bytes) {
            failure ??= new Error(`an answer of ${bodyBytes} bytes instead of ${bytes}`)
          }
          answered += 1
          fresh.delete(connection)
          free.push(connection)
        })
      }
      if (now > startMs + total * everyMs + ANSWERED_WITHIN_MS) {
        throw new Error(`${total - answered} of ${total} requests were not answered within 10 s`)
      }
      const untilNextMs = startMs + next * everyMs - performance.now()
      sleep(next === total || isHeldUp ? LOOK_MS : Math.min(untilNextMs, LOOK_MS))
      await nextTurn()
    }
  } finally {
    for (const connection of all) connection.close()
  }
  if (failure !== null) throw failure as Error
  const latencies = latencyMs.subarray(leadIn).sort()
  return {
    requests: latencies.length,
    p50Ms: percentile(latencies, 0.5),
    p99Ms: percentile(latencies, 0.99),
    sentP99Ms: percentile(lateMs.subarray(leadIn).sort(), 0.99),
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

/** The same requests as those of `post.lua`, but for the request id. */
function buildRequests(work: Work): Buffer[] {
  const template = requestBody(work)
  return Array.from({ length: work.users }, (_, i) => {
    const user = `user-${String(i).padStart(3, '0')}`
    const body = template.replace(BODY_USER, user)
    const head = [
      `POST ${TARGET_PATH} HTTP/1.1`,
      'Host: 127.0.0.1',
      'Content-Type: application/json',
      `X-User-Id: ${user}`,
      'X-Country: DE',
      `Content-Length: ${body.length}`,
    ]
    return Buffer.from(`${head.join('\r\n')}\r\n\r\n${body}`)
  })
}

function percentile(sorted: Float64Array, share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]!
}
