import { connect, type Socket } from 'node:net'

/** A TCP connection that writes and reads exactly the bytes it is told: no client library tidies them. */
export class RawConnection {
  readonly socket: Socket
  #received = Buffer.alloc(0)
  #isClosed = false
  #wake: () => void = () => {}

  /** Connects to a port of 127.0.0.1, or takes a connection that exists. */
  constructor(to: number | Socket) {
    this.socket = typeof to === 'number' ? connect(to, '127.0.0.1') : to
    this.socket.on('data', (chunk) => {
      this.#received = Buffer.concat([this.#received, chunk])
      this.#wake()
    })
    this.socket.on('close', () => {
      this.#isClosed = true
      this.#wake()
    })
    // A reset is a close to these tests; what was received before it stays.
    this.socket.on('error', () => this.socket.destroy())
  }

  /** Everything received so far, as latin1. */
  get text(): string {
    return this.#received.toString('latin1')
  }

  get bytes(): Buffer {
    return this.#received
  }

  get isClosed(): boolean {
    return this.#isClosed
  }

  send(bytes: string | Buffer): this {
    if (typeof bytes === 'string') this.socket.write(bytes, 'latin1')
    else this.socket.write(bytes)
    return this
  }

  /** Waits until the text received contains `part`; rejects when the connection closes without it. */
  async receive(part: string): Promise<string> {
    while (!this.text.includes(part)) {
      if (this.#isClosed) throw new Error(`closed before ${JSON.stringify(part)}: ${this.text}`)
      await this.#change()
    }
    return this.text
  }

  /** Waits until what was received is enough, or the other side closes. */
  async until(isEnough: (bytes: Buffer) => boolean): Promise<void> {
    while (!this.#isClosed && !isEnough(this.#received)) await this.#change()
  }

  /** Waits for the other side to close; gives everything received. */
  async closed(): Promise<string> {
    while (!this.#isClosed) await this.#change()
    return this.text
  }

  close(): void {
    this.socket.destroy()
  }

  #change(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve
    })
  }
}

/** Sends these bytes and gives everything that comes until the other side closes. */
export async function rawExchange(port: number, bytes: string | Buffer): Promise<string> {
  return new RawConnection(port).send(bytes).closed()
}

/** An answer taken apart. Field lines keep their order and case. */
export type RawAnswer = {
  readonly status: number
  readonly reason: string
  readonly lines: readonly string[]
  /** By lower-case name; the first line of the name. */
  readonly field: (name: string) => string | null
  /** As it stands on the wire: chunks are not joined. */
  readonly body: string
}

/** Takes an answer's text apart. */
export function parseAnswer(text: string): RawAnswer {
  const end = text.indexOf('\r\n\r\n')
  const [start = '', ...lines] = text.slice(0, end).split('\r\n')
  const field = (name: string) => {
    const line = lines.find((l) => l.toLowerCase().startsWith(`${name}:`))
    return line === undefined ? null : line.slice(name.length + 1).trim()
  }
  return {
    status: Number(start.split(' ')[1]),
    reason: start.split(' ').slice(2).join(' '),
    lines,
    field,
    body: text.slice(end + 4),
  }
}
