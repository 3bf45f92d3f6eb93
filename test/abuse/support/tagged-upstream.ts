import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { createServer } from 'node:http'
import { freePort } from '../../support/free-port.ts'

/** What a server does to some of its requests. */
export type Fault = 'none' | 'slow' | 'reset' | 'truncated'

/** A model server that can be taken away and brought back on the same port. */
export type TaggedUpstream = {
  readonly origin: string
  /** Cuts all connections, is gone for a while, and comes back. */
  readonly restart: (awayMs: number) => Promise<void>
  /** Whether it was up all the time between two moments of `performance.now()`. */
  readonly wasUp: (from: number, to: number) => boolean
  readonly close: () => Promise<void>
}

/** The header by which a request asks for a fault of its own. */
export const FAULT_HEADER = 'x-fault'

const SLOW_MS = 300

/**
 * Starts a server that answers a POST with its own body, and a GET with three events that name its path.
 * A request may ask for a fault: `slow`, `reset` before the head, `truncated` within the body.
 */
export async function startTaggedUpstream(): Promise<TaggedUpstream> {
  const outages: { readonly from: number; to: number }[] = []
  const port = await freePort()
  let server = await listen(port)
  const stop = () => {
    server.closeAllConnections()
    return new Promise((resolve) => server.close(resolve))
  }
  return {
    origin: `http://127.0.0.1:${port}`,
    restart: async (awayMs) => {
      const outage = { from: performance.now(), to: Infinity }
      outages.push(outage)
      await stop()
      await new Promise((resolve) => setTimeout(resolve, awayMs))
      server = await listen(port)
      outage.to = performance.now()
    },
    wasUp: (from, to) => !outages.some((outage) => outage.from < to && from < outage.to),
    close: async () => void (await stop()),
  }
}

async function listen(port: number): Promise<Server> {
  const server = createServer({ keepAliveTimeout: 60_000 }, answer)
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(port, '127.0.0.1', resolve)
  })
  return server
}

function answer(req: IncomingMessage, res: ServerResponse): void {
  const chunks: Buffer[] = []
  req.on('data', (chunk: Buffer) => chunks.push(chunk))
  req.on('end', () => {
    const body = Buffer.concat(chunks)
    const fault = req.headers[FAULT_HEADER] as Fault | undefined
    if (fault === 'reset') {
      req.socket.resetAndDestroy()
    } else if (fault === 'truncated') {
      res.writeHead(200, { 'content-length': body.length + 10 })
      res.write(body, () => req.socket.destroy())
    } else if (req.method === 'GET') {
      stream(req, res)
    } else {
      setTimeout(() => res.end(body), fault === 'slow' ? SLOW_MS : 0)
    }
  })
}

function stream(req: IncomingMessage, res: ServerResponse): void {
  res.writeHead(200, { 'content-type': 'text/event-stream' })
  let left = 3
  const next = () => {
    if (left-- === 0) res.end()
    else {
      res.write(`data: ${req.url!}\n\n`)
      setTimeout(next, 5)
    }
  }
  next()
}
