import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { isClosing } from './closing-connections.ts'
import type { GatewayDeps } from './gateway-deps.ts'
import { HandshakeResponse } from './handshake-response.ts'
import { ignoreUpgrade } from './ignore-upgrade.ts'
import { refuse, type RefusingDeps } from './own-answers.ts'
import { isWebSocket } from './upgrade.ts'
import { UpgradedSocket } from './upgraded-socket.ts'
import { validateRequest } from './validate.ts'

/** Who takes upgrades; `head` is what came after the request. */
type UpgradeListener = (req: IncomingMessage, socket: Socket, head: Buffer) => void

const NOTHING = Buffer.alloc(0)

/**
 * Takes the requests that ask for another protocol. WebSocket handshakes are served; what `serve` leaves
 * goes to whoever has listened before (the passthrough), who hears of no other upgrade any more. All other
 * requests are served without the upgrade.
 */
export function takeUpgrades(
  server: Server,
  deps: Pick<GatewayDeps, 'log'> & RefusingDeps,
  serve: (req: IncomingMessage, res: ServerResponse) => boolean,
): void {
  const [before] = server.listeners('upgrade') as UpgradeListener[]
  server.removeAllListeners('upgrade')
  server.on('upgrade', (req: IncomingMessage, socket: Socket, head: Buffer) => {
    const held = new UpgradedSocket(socket, head)
    // Pipelined requests are answered in their order, and an answer must be out before its connection changes.
    held.whenAnswered(() => {
      if (isClosing(socket)) return
      try {
        enter(req, held)
      } catch (error) {
        deps.log.error({ err: error }, 'an upgrade could not be served')
        socket.destroy()
      }
    })
  })

  function enter(req: IncomingMessage, held: UpgradedSocket): void {
    // Before anything else: what a refused request had too much of must not get lost on the way.
    const refusal = validateRequest(req)
    if (refusal === null && !isWebSocket(req)) {
      ignoreUpgrade(server, req, held.release())
      return
    }
    const res = new HandshakeResponse(req, held)
    if (refusal !== null) {
      refuse(deps, req, res, refusal)
    } else if (!serve(req, res)) {
      const socket = res.takeSocket()
      // The next owner listens later, and an error that nobody hears ends the process.
      socket.on('error', () => socket.destroy())
      before!.call(server, req, socket, NOTHING)
    }
  }
}
