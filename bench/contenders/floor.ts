/**
 * The floor: what a correct HTTP/1.1 forwarder in Node costs when it does nothing else. Raw header
 * pairs go through without the hop-by-hop ones, small bodies as one buffer, answers with backpressure,
 * a client that leaves takes its upstream request with it. `node floor.js <port> <upstream port>`
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { Pool, type Dispatcher } from 'undici'
import { UPSTREAM_CONNECTIONS } from '../nginx-config.ts'

const HOP_BY_HOP = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])

const [port, upstreamPort] = process.argv.slice(2)
const pool = new Pool(`http://127.0.0.1:${upstreamPort}`, {
  connections: UPSTREAM_CONNECTIONS,
  pipelining: 1,
})
const server = createServer(forward)
server.listen(Number(port), '127.0.0.1')
process.once('SIGTERM', () => {
  server.close()
  server.closeAllConnections()
  void pool.destroy()
})

function forward(req: IncomingMessage, res: ServerResponse): void {
  const chunks: Buffer[] = []
  req.on('data', (chunk: Buffer) => chunks.push(chunk))
  req.once('end', () => {
    const body =
      chunks.length === 0 ? null : chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks)
    dispatch(req, res, body)
  })
}

function dispatch(req: IncomingMessage, res: ServerResponse, body: Buffer | null): void {
  let abort: (() => void) | null = null
  res.once('close', () => {
    if (!res.writableFinished) abort?.()
  })
  const handler: Dispatcher.DispatchHandler = {
    onConnect: (abortRequest) => {
      abort = () => abortRequest()
    },
    onHeaders: (status, rawHeaders, resume) => {
      if (status < 200) return true
      res.on('drain', resume)
      res.writeHead(status, endToEnd(rawHeaders.map((bytes) => bytes.toString('latin1'))))
      return true
    },
    onData: (chunk) => res.write(chunk),
    onComplete: () => res.end(),
    onError: () => {
      if (res.headersSent) res.destroy()
      else res.writeHead(502).end()
    },
  }
  pool.dispatch(
    {
      path: req.url!,
      method: req.method as Dispatcher.HttpMethod,
      headers: endToEnd(req.rawHeaders),
      body,
    },
    handler,
  )
}

/** Name and value pairs without those that concern one connection only. */
function endToEnd(pairs: readonly string[]): string[] {
  const kept: string[] = []
  for (let i = 0; i < pairs.length; i += 2) {
    if (!HOP_BY_HOP.has(pairs[i]!.toLowerCase())) kept.push(pairs[i]!, pairs[i + 1]!)
  }
  return kept
}
