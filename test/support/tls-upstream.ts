import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer, type ServerOptions } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'

/** A connection as a TLS server of the tests saw it. */
export type SeenConnection = {
  /** The name that was asked for; false = none. */
  readonly servername: string | false
  /** The subject's name in the certificate that the client showed; null = none. */
  readonly client: string | null
}

/** A model server that speaks TLS, on a port of 127.0.0.1. */
export type TlsUpstream = {
  readonly port: number
  /** Connections whose handshake has succeeded, in order. */
  readonly connections: SeenConnection[]
  /** Handshakes that have failed. */
  readonly failures: () => number
  /** TCP connections that were ever opened. */
  readonly attempts: () => number
  /** The Host of every request, in order. */
  readonly hosts: (string | undefined)[]
  readonly close: () => Promise<void>
}

/** Starts a server that answers every request with `answer`. */
export async function startTlsUpstream(
  options: ServerOptions,
  answer = (_req: IncomingMessage, res: ServerResponse): void => void res.end('fine'),
): Promise<TlsUpstream> {
  const connections: SeenConnection[] = []
  const hosts: (string | undefined)[] = []
  const sockets = new Set<Socket>()
  let failures = 0
  let attempts = 0
  const server = createServer(options, (req, res) => {
    hosts.push(req.headers.host)
    req.resume().on('end', () => answer(req, res))
  })
  server.on('connection', (socket: Socket) => {
    attempts++
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
  })
  server.on('secureConnection', (socket: TLSSocket & { servername: string | false }) => {
    const { subject } = socket.getPeerCertificate() as { subject?: { CN: string } }
    connections.push({ servername: socket.servername, client: subject?.CN ?? null })
  })
  server.on('tlsClientError', () => failures++)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    port: (server.address() as AddressInfo).port,
    connections,
    failures: () => failures,
    attempts: () => attempts,
    hosts,
    close: async () => {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
