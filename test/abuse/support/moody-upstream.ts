import type { Socket } from 'node:net'
import { startRawUpstream, type RawUpstream } from '../../support/fake-upstream.ts'

/** What an upstream does with a request. */
type Mood = (socket: Socket) => unknown

/** An answer that a prediction can be read from. */
const BODY = JSON.stringify({ p: 1.5, text: 'y'.repeat(50) })
const GOOD = `HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: ${BODY.length}\r\n\r\n${BODY}`
const HALF = 'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf'
const TO_WEBSOCKET =
  'HTTP/1.1 101 S\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\nfirst bytes'

const MOODS: readonly Mood[] = [
  (socket) => socket.write(GOOD),
  (socket) => socket.write(GOOD),
  (socket) => socket.write(GOOD),
  (socket) => later(80, socket, () => socket.write(GOOD)),
  (socket) =>
    socket.write(
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: x-t\r\n\r\n3\r\nabc\r\n0\r\nx-t: 1\r\n\r\n',
    ),
  (socket) => socket.end('HTTP/1.1 200 OK\r\n\r\nuntil the end'),
  (socket) => socket.destroy(),
  (socket) => socket.end(),
  // It hangs, before its answer and within.
  () => {},
  (socket) => socket.write(HALF),
  (socket) => socket.end(HALF),
  (socket) => socket.write('HTTP/1.1 503 Busy\r\nContent-Length: 4\r\n\r\nbusy'),
  (socket) =>
    socket.write(`HTTP/1.1 500 No\r\nContent-Length: 300000\r\n\r\n${'x'.repeat(300_000)}`),
  (socket) => socket.write('HTTP/1.1 204 None\r\nContent-Length: 3\r\n\r\n'),
  (socket) =>
    socket.write(`HTTP/1.1 102 P\r\n\r\nHTTP/1.1 103 E\r\nLink: </a>; rel=preload\r\n\r\n${GOOD}`),
  (socket) => socket.write('no HTTP\r\n\r\n'),
  (socket) => socket.write(`${GOOD}HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n`),
  (socket) => {
    socket.write('HTTP/1.1 200 OK\r\nContent-Length: 3000000\r\n\r\n')
    socket.write(Buffer.alloc(3_000_000))
  },
  (socket) => {
    const event = 'd\r\ndata: {"p":2}\r\r\n'
    socket.write(
      `HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n${event}`,
    )
    later(60, socket, () => socket.write(`${event}0\r\n\r\n`))
  },
  (socket) =>
    socket.write('HTTP/1.1 101 S\r\nConnection: upgrade\r\nUpgrade: other\r\n\r\nother bytes'),
  (socket) => socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n'),
]

/** What becomes of a session that it has agreed to. */
const ENDINGS: readonly Mood[] = [
  () => {},
  (socket) => later(50, socket, () => socket.end()),
  (socket) => later(50, socket, () => socket.destroy()),
]

/** Starts an upstream that has a mood for each request, drawn anew (`draw`: uniform in [0, 1)). */
export function startMoodyUpstream(draw: () => number): Promise<RawUpstream> {
  const pick = (moods: readonly Mood[]) => moods[Math.floor(draw() * moods.length)]!
  return startRawUpstream((socket) => {
    socket.on('data', (chunk) => {
      // The rest of a body is no request.
      const head = chunk.toString('latin1')
      if (!socket.writable || !/^(?:GET|HEAD|POST) \//.test(head)) return
      const isAgreed = /\r\nupgrade: websocket\r\n/i.test(head) && draw() < 0.6
      if (isAgreed) socket.write(TO_WEBSOCKET)
      pick(isAgreed ? ENDINGS : MOODS)(socket)
    })
  })
}

/** Does so where the connection is still one. */
function later(ms: number, socket: Socket, run: () => unknown): void {
  setTimeout(() => socket.writable && run(), ms)
}
