import type { IncomingMessage, Server } from 'node:http'
import type { Duplex } from 'node:stream'
import { answerClientError } from './client-error.ts'

type UpgradeListener = (req: IncomingMessage, socket: Duplex, head: Buffer) => void

/**
 * Puts a guard before the server's listeners for upgrades. An upgrade behind a request that is not answered
 * yet (pipelining) cannot be served: its connection belongs to that answer, and @fastify/http-proxy throws
 * where nobody catches it, which ends the process. The answer is the connection's last one then, as it is
 * when what follows is no request at all.
 */
export function guardUpgrades(server: Server): void {
  const listeners = server.listeners('upgrade') as UpgradeListener[]
  server.removeAllListeners('upgrade')
  server.on('upgrade', (req, socket, head) => {
    if (isAnswering(socket)) {
      // Node has taken its own listeners off, and an error that nobody hears ends the process.
      socket.on('error', () => socket.destroy())
      answerClientError({}, socket)
      return
    }
    for (const listener of listeners) listener.call(server, req, socket, head)
  })
}

/** Whether Node is writing an answer to this socket, or will be. */
function isAnswering(socket: Duplex): boolean {
  return ((socket as { readonly _httpMessage?: object | null })._httpMessage ?? null) !== null
}
