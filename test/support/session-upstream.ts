import type { Socket } from 'node:net'
import { startRawUpstream, type FakeUpstream } from './fake-upstream.ts'
import { RawConnection } from './raw-client.ts'

/** Where handshakes of these tests go, with the fields of RFC 6455. */
export function handshake(path = '/m/x', more: readonly string[] = []): string {
  const lines = [
    'Host: a',
    'Connection: Upgrade',
    'Upgrade: websocket',
    `Sec-WebSocket-Key: ${KEY}`,
  ]
  return [`GET ${path} HTTP/1.1`, ...lines, 'Sec-WebSocket-Version: 13', ...more, '', ''].join(
    '\r\n',
  )
}

const KEY = 'dGhlIHNhbXBsZSBub25jZQ=='

/** The answer to `KEY` (RFC 6455 section 1.3). */
export const ACCEPT = 's3pPLMBiTxaQ9kYGzzhZRbK+xOo='

/** The head that agrees to a session. */
export function agreement(more: readonly string[] = []): string {
  const lines = ['Upgrade: websocket', 'Connection: Upgrade', `Sec-WebSocket-Accept: ${ACCEPT}`]
  return ['HTTP/1.1 101 Switching Protocols', ...lines, ...more, '', ''].join('\r\n')
}

/** One side of a session at the upstream: its bytes as they come, the head of the handshake first. */
export type Peer = RawConnection

/** A server that speaks no protocol after its 101: bytes are bytes. */
export type SessionUpstream = Pick<FakeUpstream, 'origin' | 'port' | 'close'> & {
  /** Connections whose handshake has arrived, in order. */
  readonly peers: readonly Peer[]
  /** The n-th of them, when it is there. */
  readonly peer: (count?: number) => Promise<Peer>
  /** Connections that are open. */
  readonly open: () => number
}

/** Answers each handshake; without `answer` by agreeing. */
export async function startSessionUpstream(
  answer: (peer: Peer, head: string) => void = (peer) => peer.send(agreement()),
): Promise<SessionUpstream> {
  const peers: Peer[] = []
  let open = 0
  let wake: () => void = () => {}
  const upstream = await startRawUpstream((socket: Socket) => {
    open++
    socket.on('close', () => open--)
    const peer = new RawConnection(socket)
    peer.receive('\r\n\r\n').then(
      (text) => {
        peers.push(peer)
        answer(peer, text)
        wake()
      },
      // Closed before it has sent a head: none of the peers.
      () => {},
    )
  })
  return {
    ...upstream,
    peers,
    peer: async (count = 1) => {
      while (peers.length < count) await new Promise<void>((resolve) => (wake = resolve))
      return peers[count - 1]!
    },
    open: () => open,
  }
}
