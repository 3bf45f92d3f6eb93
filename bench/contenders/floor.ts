/**
 * The floor: what a correct HTTP/1.1 forwarder in Node costs when it does nothing else. Raw header
 * pairs go through without the hop-by-hop ones, bodies as one buffer, answers with backpressure,
 * a client that leaves takes its upstream request with it. `node floor.js <port> <upstream port> <connections>`
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { Pool, type Dispatcher } from 'undici'
import { keepTicksFast } from '../../src/keep-ticks-fast.ts'
import { letHelpersYield } from '../../src/let-helpers-yield.ts'
import { collectBody } from './collect-body.ts'
import { endToEnd } from './hop-by-hop.ts'
import { place } from './place.ts'

keepTicksFast()
letHelpersYield()

const pool = new Pool(place.upstream, { connections: place.connections, pipelining: 1 })
createServer((req, res) => collectBody(req, (body) => forward(req, res, body))).listen(
  place.port,
  '127.0.0.1',
)

function forward(req: IncomingMessage, res: ServerResponse, body: Buffer | null): void {
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
