/** What is sent and answered in one run, as data. */
export type Work = {
  readonly name: string
  readonly description: string
  /** Bytes of the body of a request; user ids of any user are equally long. */
  readonly requestBytes: number
  /** Bytes of the body of an answer; of an event stream: of one event. */
  readonly answerBytes: number
  /** Null = one JSON answer with a length; else a chunked event stream. */
  readonly stream: { readonly events: number; readonly everyMs: number } | null
  /** Keep-alive connections of the load. */
  readonly connections: number
  /** Connections that each contender may keep to the upstream, where it can be told. */
  readonly upstreamConnections: number
  /** Different users, and so different requests, that the load takes in turns. */
  readonly users: number
  /** Requests that each contender answers before anything is measured. */
  readonly warmUpRequests: number
}

const SMALL = {
  stream: null,
  connections: 50,
  upstreamConnections: 64,
  users: 1000,
  warmUpRequests: 150_000,
}

/** What `--work` can name; the first is what a run does unless told otherwise. */
export const WORKS: readonly Work[] = [
  {
    ...SMALL,
    name: '1k',
    description: '1 KB of JSON both ways',
    requestBytes: 1024,
    answerBytes: 1024,
  },
  {
    ...SMALL,
    name: '100b',
    description: '100 bytes of JSON both ways',
    requestBytes: 100,
    answerBytes: 100,
  },
  {
    ...SMALL,
    name: '20k',
    description: '20 KB of JSON both ways',
    requestBytes: 20 * 1024,
    answerBytes: 20 * 1024,
  },
  {
    name: '1m',
    description: '1 MB of JSON both ways',
    requestBytes: 1024 * 1024,
    answerBytes: 1024 * 1024,
    stream: null,
    connections: 16,
    upstreamConnections: 64,
    users: 16,
    warmUpRequests: 2000,
  },
  {
    name: 'sse',
    description: '1 KB of JSON, answered by a stream of 10 events, 10 ms apart',
    requestBytes: 1024,
    answerBytes: 100,
    stream: { events: 10, everyMs: 10 },
    connections: 200,
    upstreamConnections: 2048,
    users: 1000,
    warmUpRequests: 4000,
  },
]

/** Where requests are sent to. */
export const TARGET_PATH = '/v2/models/credit-risk/infer'

/** The user in the body of `requestBody`; the load writes others of the same length over it. */
export const BODY_USER = 'user-000'

/** @throws when no work is called so */
export function findWork(name: string): Work {
  const work = WORKS.find((one) => one.name === name)
  if (work !== undefined) return work
  throw new Error(`no work is called ${name}; known are ${WORKS.map((one) => one.name).join(', ')}`)
}

/** An inference request of exactly `requestBytes`. */
export function requestBody({ requestBytes }: Work): string {
  return padded({ parameters: { user: BODY_USER }, inputs: [0.5, 1, 2] }, requestBytes)
}

/** The whole body of the answer, without single quotes (it may stand in a configuration). */
export function answerBody({ answerBytes, stream }: Work): string {
  const outputs = [{ name: 'y', shape: [1], datatype: 'FP64', data: [0.42] }]
  return stream === null
    ? padded({ outputs }, answerBytes)
    : streamEvent(answerBytes).repeat(stream.events)
}

/** One event of exactly `bytes`. */
export function streamEvent(bytes: number): string {
  const frame = 'data: \n\n'
  return frame.replace(' ', ` ${padded({ token: 'yes' }, bytes - frame.length)}`)
}

function padded(value: Readonly<Record<string, unknown>>, bytes: number): string {
  const bare = JSON.stringify({ ...value, padding: '' })
  return JSON.stringify({ ...value, padding: 'x'.repeat(bytes - bare.length) })
}
