/**
 * An experiment, not a forwarder for use: the floor with a hand-made keep-alive client in place of undici.
 * It reads answers with a Content-Length and nothing else; see bench/README.md for what is missing.
 * `node raw-client.js <port> <upstream port> <connections>`
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { connect, type Socket } from 'node:net'
import { keepTicksFast } from '../../src/keep-ticks-fast.ts'
import { letHelpersYield } from '../../src/let-helpers-yield.ts'
import { collectBody } from './collect-body.ts'
import { endToEnd } from './hop-by-hop.ts'
import { place } from './place.ts'

const HEAD_END = Buffer.from('\r\n\r\n')
const NOTHING = Buffer.alloc(0)

type Job = { readonly res: ServerResponse; readonly message: Buffer }

const idle: Connection[] = []
const waiting: Job[] = []
let open = 0

keepTicksFast()
letHelpersYield()

createServer((req, res) =>
  collectBody(req, (body) => dispatch({ res, message: serialize(req, body ?? NOTHING) })),
).listen(place.port, '127.0.0.1')

function serialize(req: IncomingMessage, body: Buffer): Buffer {
  const pairs = endToEnd(req.rawHeaders)
  let head = `${req.method} ${req.url} HTTP/1.1\r\n`
  for (let i = 0; i < pairs.length; i += 2) head += `${pairs[i]}: ${pairs[i + 1]}\r\n`
  head += '\r\n'
  const message = Buffer.allocUnsafe(head.length + body.length)
  message.write(head, 'latin1')
  body.copy(message, head.length)
  return message
}

function dispatch(job: Job): void {
  const connection = idle.pop()
  if (connection !== undefined) connection.send(job)
  else if (open < place.connections) new Connection().send(job)
  else waiting.push(job)
}

/** One keep-alive connection with at most one request on it. */
class Connection {
  readonly #socket: Socket
  #res: ServerResponse | null = null
  #unread: Buffer = NOTHING
  /** Bytes of the body that are still to come; null = the head is. */
  #rest: number | null = null

  constructor() {
    open += 1
    this.#socket = connect({ host: '127.0.0.1', port: place.upstreamPort, noDelay: true })
    this.#socket.on('data', (chunk) => this.#read(chunk))
    this.#socket.on('error', () => this.#socket.destroy())
    this.#socket.once('close', () => this.#fail())
  }

  send({ res, message }: Job): void {
    this.#res = res
    res.once('close', () => {
      if (!res.writableFinished) this.#socket.destroy()
    })
    this.#socket.write(message)
  }

  #read(chunk: Buffer): void {
    const res = this.#res
    if (res === null) {
      this.#socket.destroy()
      return
    }
    let body = chunk
    if (this.#rest === null) {
      const bytes = this.#unread.length === 0 ? chunk : Buffer.concat([this.#unread, chunk])
      const end = bytes.indexOf(HEAD_END)
      if (end === -1) {
        this.#unread = bytes
        return
      }
      this.#unread = NOTHING
      body = bytes.subarray(end + HEAD_END.length)
      if (!this.#readHead(res, bytes.toString('latin1', 0, end))) {
        this.#socket.destroy()
        return
      }
    }
    this.#rest! -= body.length
    if (this.#rest === 0) this.#finish(res, body)
    else if (this.#rest! < 0) this.#socket.destroy()
    else if (!res.write(body)) this.#socket.pause()
  }

  #readHead(res: ServerResponse, head: string): boolean {
    const lines = head.split('\r\n')
    const pairs: string[] = []
    for (let i = 1; i < lines.length; i += 1) {
      const line = lines[i]!
      const colon = line.indexOf(':')
      const name = line.slice(0, colon)
      const value = line.slice(colon + 1).trim()
      if (name.length === 14 && name.toLowerCase() === 'content-length') this.#rest = Number(value)
      pairs.push(name, value)
    }
    if (this.#rest === null) return false
    res.on('drain', () => this.#socket.resume())
    res.writeHead(Number(lines[0]!.slice(9, 12)), endToEnd(pairs))
    return true
  }

  #finish(res: ServerResponse, body: Buffer): void {
    res.end(body)
    this.#res = null
    this.#rest = null
    const next = waiting.shift()
    if (next === undefined) idle.push(this)
    else this.send(next)
  }

  #fail(): void {
    open -= 1
    const place = idle.indexOf(this)
    if (place !== -1) idle.splice(place, 1)
    const res = this.#res
    this.#res = null
    if (res !== null && res.headersSent) res.destroy()
    else res?.writeHead(502).end()
    const next = waiting.shift()
    if (next !== undefined) dispatch(next)
  }
}
