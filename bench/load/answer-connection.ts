import { connect, type Socket } from 'node:net'

const HEAD_END = Buffer.from('\r\n\r\n')
const LAST_CHUNK = Buffer.from('0\r\n\r\n')

/** What is told of each answer when its last byte is there. `bodyBytes` counts a chunked body's framing too. */
export type Answered = (status: number, bodyBytes: number) => void

/** What all connections read into: an answer is looked at before anything else is read. */
const READ_INTO = Buffer.allocUnsafeSlow(64 * 1024)

/** A keep-alive connection of the load: one request at a time, its answer counted and not kept. */
export class AnswerConnection {
  readonly #socket: Socket
  readonly #onError: (error: Error) => void
  #answered: Answered | null = null
  #head: Buffer = Buffer.alloc(0)
  #status = 0
  /** The last bytes of a chunked body so far. */
  #tail: Buffer = Buffer.alloc(0)
  #bodyBytes = 0
  /** Bytes of the whole body; null = chunked. */
  #length: number | null = null
  #isInBody = false

  /** `onError` is told of a connection that fails, or ends before the answer does. */
  constructor(port: number, onError: (error: Error) => void) {
    this.#onError = onError
    this.#socket = connect({
      host: '127.0.0.1',
      port,
      noDelay: true,
      // Without streams of chunks, which cost the load as much as its requests do.
      onread: {
        buffer: READ_INTO,
        callback: (length) => {
          this.#read(READ_INTO.subarray(0, length))
          return true
        },
      },
    })
    this.#socket.on('error', onError)
    this.#socket.on('close', () => {
      if (this.#answered !== null) onError(new Error('a connection was closed within an answer'))
    })
  }

  /** False when the server has closed it, as servers may when nothing is under way. */
  get isOpen(): boolean {
    return this.#socket.connecting || this.#socket.readyState === 'open'
  }

  /** Only when the answer to the request before is complete; the request is ASCII. */
  send(request: string, answered: Answered): void {
    this.#answered = answered
    this.#socket.write(request, 'latin1')
  }

  close(): void {
    this.#answered = null
    this.#socket.destroy()
  }

  #read(chunk: Buffer): void {
    if (this.#answered === null) {
      this.#onError(new Error('bytes behind an answer'))
      return
    }
    let body = chunk
    if (!this.#isInBody) {
      const bytes = this.#head.length === 0 ? chunk : Buffer.concat([this.#head, chunk])
      const end = bytes.indexOf(HEAD_END)
      if (end === -1) {
        this.#head = Buffer.from(bytes)
        return
      }
      const head = bytes.toString('latin1', 0, end)
      const length = /^content-length: *(\d+)/im.exec(head)?.[1]
      this.#status = Number(head.slice(9, 12))
      this.#length = length === undefined ? null : Number(length)
      this.#isInBody = true
      this.#bodyBytes = 0
      this.#tail = this.#tail.subarray(0, 0)
      body = bytes.subarray(end + HEAD_END.length)
    }
    this.#bodyBytes += body.length
    if (this.#length === null ? !this.#isLast(body) : this.#bodyBytes < this.#length) return
    const answered = this.#answered
    this.#answered = null
    this.#isInBody = false
    this.#head = this.#head.subarray(0, 0)
    answered(this.#status, this.#bodyBytes)
  }

  /** Whether a chunked body is over; trailers are not understood. */
  #isLast(body: Buffer): boolean {
    this.#tail = Buffer.concat([this.#tail, body.subarray(-LAST_CHUNK.length)]).subarray(
      -LAST_CHUNK.length,
    )
    return this.#tail.equals(LAST_CHUNK)
  }
}
