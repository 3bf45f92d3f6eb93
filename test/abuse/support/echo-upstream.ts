import { createHash } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { startUpstream, type FakeUpstream } from '../../support/fake-upstream.ts'
import type { WholeRequest } from './read-requests.ts'

/** A model server whose every answer says which request it answers. */
export type EchoUpstream = FakeUpstream & {
  /** How often each request arrived whole, by its digest. Cleared by whoever has looked. */
  readonly arrived: Map<string, { readonly request: WholeRequest; count: number }>
}

const BIG_BYTES = 100_000

/** Starts a server whose answers have a shape that the end of the path asks for. */
export async function startEchoUpstream(): Promise<EchoUpstream> {
  const arrived: EchoUpstream['arrived'] = new Map()
  const upstream = await startUpstream((req, res, seen) => {
    const request = { method: seen.method, target: seen.url, body: seen.body }
    upstream.seen.length = 0
    const digest = digestOf(request)
    const known = arrived.get(digest)
    if (known === undefined) arrived.set(digest, { request, count: 1 })
    else known.count++
    answer(req, res, seen.url, digest)
  })
  return { ...upstream, arrived }
}

/** A name for a request: method, target and body. */
export function digestOf({ method, target, body }: WholeRequest): string {
  return createHash('sha1').update(`${method} ${target}\n`, 'latin1').update(body).digest('hex')
}

/** The body of the answer to a request with this target; `method` HEAD has none. */
export function echoBody(method: string, target: string, digest: string): string {
  switch (method === 'HEAD' ? '204' : shapeOf(target)) {
    case '204':
    case '304':
      return ''
    case 'sse':
      return `data: ${digest}\n\n`.repeat(3)
    case 'big':
      return digest.repeat(BIG_BYTES / digest.length)
    case 'chunked':
      return `${digest}\n`.repeat(3)
    default:
      return JSON.stringify({ digest, outputs: [{ data: [1.5] }] })
  }
}

function answer(req: IncomingMessage, res: ServerResponse, target: string, digest: string): void {
  const shape = shapeOf(target)
  const body = echoBody(req.method!, target, digest)
  const head: Record<string, string> = { 'x-echo': digest }
  if (shape === '204' || shape === '304') {
    res.writeHead(Number(shape), head).end()
    return
  }
  if (shape === 'sse') head['content-type'] = 'text/event-stream'
  else if (shape === 'chunked') head['trailer'] = 'x-sum'
  else head['content-length'] = String(body.length)
  res.writeHead(200, head)
  if (shape !== 'sse' && shape !== 'chunked') {
    res.end(body)
    return
  }
  const third = body.length / 3
  const pieces = [0, 1, 2].map((n) => body.slice(n * third, (n + 1) * third))
  const next = () => {
    const piece = pieces.shift()
    if (piece !== undefined) {
      res.write(piece)
      setImmediate(next)
      return
    }
    if (shape === 'chunked') res.addTrailers({ 'x-sum': digest })
    res.end()
  }
  next()
}

function shapeOf(target: string): string {
  return /\/([a-z0-9]+)(?:\?.*)?$/.exec(target)?.[1] ?? ''
}
