import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { connect, createServer as createTcpServer } from 'node:net'

/** A request as a fake upstream saw it. */
export type SeenRequest = {
  readonly method: string
  readonly url: string
  readonly headers: IncomingMessage['headers']
  readonly rawHeaders: readonly string[]
  readonly body: Buffer
}

/** A model server of the tests, on a port of 127.0.0.1. */
export type FakeUpstream = {
  readonly origin: string
  readonly port: number
  readonly server: Server
  /** Requests whose body has arrived, in order. */
  readonly seen: SeenRequest[]
  readonly close: () => Promise<void>
}

/** Starts a server that reads each request to its end and then answers with `answer`. */
export async function startUpstream(
  answer: (req: IncomingMessage, res: ServerResponse, seen: SeenRequest) => void,
): Promise<FakeUpstream> {
  const seen: SeenRequest[] = []
  const upstream = await startStreamingUpstream((req, res) => {
    const chunks: Buffer[] = []
    req.on('data', (chunk: Buffer) => chunks.push(chunk))
    req.on('end', () => {
      const request: SeenRequest = {
        method: req.method!,
        url: req.url!,
        headers: req.headers,
        rawHeaders: req.rawHeaders,
        body: Buffer.concat(chunks),
      }
      seen.push(request)
      answer(req, res, request)
    })
  })
  return { ...upstream, seen }
}

/** Starts a server that hands over each request as soon as its head is there. */
export async function startStreamingUpstream(
  answer: (req: IncomingMessage, res: ServerResponse) => void,
): Promise<FakeUpstream> {
  // Longer than any pause of the machine: else it could close a connection that the gateway is about to use.
  const server = createServer({ keepAliveTimeout: 60_000 }, answer)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    origin: `http://127.0.0.1:${port}`,
    port,
    server,
    seen: [],
    close: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

/** A server below HTTP. */
export type RawUpstream = Pick<FakeUpstream, 'origin' | 'port' | 'close'> & {
  /** Connections that are open now. */
  readonly connections: () => number
}

/** A TCP server that does with each connection whatever the test wants: for answers that are no HTTP. */
export async function startRawUpstream(
  onConnection: (socket: Socket) => void,
): Promise<RawUpstream> {
  const sockets = new Set<Socket>()
  const server = createTcpServer((socket) => {
    sockets.add(socket)
    // A second write must not wait until the first is acknowledged: it may be what a test is about.
    socket.setNoDelay(true)
    socket.on('error', () => socket.destroy())
    socket.on('close', () => sockets.delete(socket))
    onConnection(socket)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    origin: `http://127.0.0.1:${port}`,
    port,
    connections: () => sockets.size,
    close: async () => {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

/** Answers the first request of each connection with these bytes (text as latin1), and closes unless told otherwise. */
export async function startCannedUpstream(
  bytes: string | Buffer,
  keepOpen = false,
): Promise<RawUpstream> {
  return startRawUpstream((socket) => {
    socket.once('data', () => {
      const answer = typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes
      if (keepOpen) socket.write(answer)
      else socket.end(answer)
    })
  })
}

/**
 * An origin where connections are refused. Its port is the near end of a connection that stays open: nobody can come
 * to listen there meanwhile.
 */
export async function refusedOrigin(): Promise<string> {
  const server = createTcpServer((socket) => socket.unref())
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const near = connect((server.address() as AddressInfo).port, '127.0.0.1')
  await once(near, 'connect')
  near.unref()
  server.unref()
  return `http://127.0.0.1:${near.localPort}`
}
