import type { IncomingMessage, ServerResponse } from 'node:http'
import { startStreamingUpstream } from './fake-upstream.ts'

/** A server that speaks as Prometheus does at `/api/v1/query`. */
export type FakePrometheus = {
  readonly origin: string
  /** The queries that it was asked, in order. */
  readonly queries: string[]
  /** The `authorization` of each. */
  readonly tokens: (string | undefined)[]
  /** How the next queries are answered. */
  answer: (query: string, res: ServerResponse) => void
  readonly close: () => Promise<void>
}

/** Starts one on a free port; it answers 0.5 to everything unless told otherwise. */
export async function startFakePrometheus(): Promise<FakePrometheus> {
  const handle = (req: IncomingMessage, res: ServerResponse) => {
    req.resume()
    const url = new URL(req.url!, 'http://x')
    const query = url.searchParams.get('query')
    if (url.pathname !== '/api/v1/query' || query === null) {
      res.writeHead(404).end('404 page not found')
      return
    }
    fake.queries.push(query)
    fake.tokens.push(req.headers.authorization)
    fake.answer(query, res)
  }
  const upstream = await startStreamingUpstream(handle)
  const fake: FakePrometheus = {
    origin: upstream.origin,
    queries: [],
    tokens: [],
    answer: (_query, res) => vector(res, ['0.5']),
    close: upstream.close,
  }
  return fake
}

/** Answers an instant vector with one series for each value. */
export function vector(res: ServerResponse, values: readonly string[]): void {
  const result = values.map((value, i) => ({ metric: { i: String(i) }, value: [1.7e9, value] }))
  json(res, 200, { status: 'success', data: { resultType: 'vector', result } })
}

/** Answers as a refused query is. */
export function refuse(res: ServerResponse, status: number, error: string): void {
  json(res, status, { status: 'error', errorType: 'bad_data', error })
}

function json(res: ServerResponse, status: number, body: object): void {
  res.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}
