import { randomBytes } from 'node:crypto'
import { request, type Agent } from 'undici'
import { FAULT_HEADER, type Fault } from './tagged-upstream.ts'

/** A request whose right answer is known, and what it asks the upstream to do. */
export type Tagged = {
  readonly path: string
  readonly fault: Fault
  /** Null: a GET of an event stream. */
  readonly body: Buffer | null
  /** The client goes away in the middle. */
  readonly leaves: boolean
}

/** What came of it. `status` null: no head of an answer. */
export type TaggedOutcome = {
  readonly from: number
  readonly to: number
  readonly status: number | null
  readonly proxyStatus: string | null
  readonly errorCode: string | null
  readonly isRight: boolean
  /** What broke it off, within its answer where there is a status. */
  readonly error: string | null
}

/** Bodies of 1 MB are slices of this: never two alike. */
const NOISE = randomBytes(2 * 1024 * 1024)
const MEGABYTE = 1024 * 1024

/** Draws the n-th request: mostly small, with a 1 MB body, an event stream or a fault now and then. */
export function drawTagged(n: number, run: string, draw: () => number): Tagged {
  const kind = draw()
  const fault: Fault =
    kind < 0.01 ? 'slow' : kind < 0.02 ? 'reset' : kind < 0.03 ? 'truncated' : 'none'
  const shape = draw()
  const tag = Buffer.from(`{"user":"u${n % 1_000}","tag":"${run}-${n}"}`)
  const isBig = shape < 0.02
  const start = Math.floor(draw() * MEGABYTE)
  const isStream = fault === 'none' && shape > 0.95
  return {
    path: `/m/${run}/${n}`,
    fault,
    body: isStream
      ? null
      : isBig
        ? Buffer.concat([tag, NOISE.subarray(start, start + MEGABYTE)])
        : tag,
    leaves: draw() < 0.01,
  }
}

/** Sends it, once, and holds the answer against the one that is right. */
export async function sendTagged(
  agent: Agent,
  data: string,
  { path, fault, body, leaves }: Tagged,
): Promise<TaggedOutcome> {
  const from = performance.now()
  const none = { from, proxyStatus: null, errorCode: null, isRight: false }
  const leaving = new AbortController()
  if (leaves) setTimeout(() => leaving.abort(), 5)
  let status: number | null = null
  try {
    const answer = await request(`${data}${path}`, {
      method: body === null ? 'GET' : 'POST',
      dispatcher: agent,
      headers: { [FAULT_HEADER]: fault },
      body,
      signal: leaving.signal,
    })
    status = answer.statusCode
    const received = Buffer.from(await answer.body.arrayBuffer())
    const right = body ?? Buffer.from(`data: ${path}\n\n`.repeat(3))
    const field = (name: string) => (answer.headers[name] as string | undefined) ?? null
    return {
      from,
      to: performance.now(),
      status,
      proxyStatus: field('proxy-status'),
      errorCode: field('x-serin-error'),
      isRight: status === 200 && received.equals(right),
      error: null,
    }
  } catch (error) {
    const { name, code } = error as NodeJS.ErrnoException
    const what = name === 'AbortError' ? 'left' : (code ?? String(error))
    return { ...none, to: performance.now(), status, error: what }
  }
}
