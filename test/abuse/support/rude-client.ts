import { connect, type Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'

/** One request, or some, and how they are sent. */
type Manner = (socket: Socket, draw: () => number) => unknown

const GET = 'GET /m/x HTTP/1.1\r\nHost: a\r\n\r\n'
const post = (lines: string, body = '') =>
  `POST /m/x HTTP/1.1\r\nHost: a\r\n${lines}\r\n\r\n${body}`

/** A body with a key, of about so many bytes. */
const bodyOf = (bytes: number, draw: () => number) =>
  JSON.stringify({ k: `u${Math.floor(draw() * 50)}`, text: 'z'.repeat(bytes) })

const MANNERS: readonly Manner[] = [
  (socket) => socket.write(GET.replace('\r\n\r\n', '\r\nTE: trailers\r\nConnection: TE\r\n\r\n')),
  (socket) => socket.write(GET.replace('GET', 'HEAD')),
  (socket) => socket.write('GET /m/x HTTP/1.0\r\n\r\n'),
  (socket, draw) => socket.write(GET.repeat(1 + draw() * 10)),
  (socket, draw) => {
    const body = bodyOf(draw() * 2_000, draw)
    socket.write(post(`Content-Length: ${body.length}`, body))
  },
  async (socket, draw) => {
    const body = bodyOf(150_000, draw)
    const cut = Math.floor(draw() * body.length)
    socket.write(post(`Content-Length: ${body.length}`, body.slice(0, cut)))
    // Long enough, sometimes, to be too late.
    await delay(draw() * 300)
    socket.write(body.slice(cut))
  },
  async (socket, draw) => {
    socket.write(post('Transfer-Encoding: chunked'))
    const part = bodyOf(20_000, draw)
    for (let n = draw() * 14; n > 0; n--) {
      socket.write(`${part.length.toString(16)}\r\n${part}\r\n`)
      await delay(draw() * 20)
    }
    socket.write(draw() < 0.1 ? 'no chunk\r\n' : '0\r\n\r\n')
  },
  async (socket) => {
    socket.write(post('Expect: 100-continue\r\nContent-Length: 10'))
    await delay(20)
    socket.write('0123456789')
  },
  async (socket, draw) => {
    socket.write(
      GET.replace('\r\n\r\n', '\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\nearly'),
    )
    await delay(draw() * 100)
    socket.write('later')
  },
]

/** How a client goes on after a request. */
const AFTERWARDS: readonly Manner[] = [
  (_socket, draw) => delay(draw() * 120),
  (_socket, draw) => delay(draw() * 120),
  (_socket, draw) => delay(draw() * 120),
  (socket) => socket.end(),
  (socket) => socket.destroy(),
  async (socket) => {
    socket.pause()
    await delay(300)
    socket.resume()
  },
]

/** Connects, sends some requests in manners that are drawn (`draw`: uniform in [0, 1)), and leaves, at a moment of its own. */
export async function beRude(port: number, draw: () => number): Promise<void> {
  const pick = (manners: readonly Manner[]) => manners[Math.floor(draw() * manners.length)]!
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => socket.destroy()).resume()
  const closed = new Promise((resolve) => socket.once('close', resolve))
  for (let left = 1 + draw() * 4; left > 0 && socket.writable; left--) {
    await pick(MANNERS)(socket, draw)
    await pick(AFTERWARDS)(socket, draw)
  }
  if (socket.writable) await Promise.race([closed, delay(draw() * 600)])
  socket.destroy()
}
