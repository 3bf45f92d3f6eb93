import { createHash, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { readCookie, readQuery, type RequestFields } from '../routing/fields.ts'

/** The values that a scan found at its pointers; see `scanJson`. */
export type BodyValues = {
  readonly pointers: readonly string[]
  readonly values: readonly (string | null)[]
}

/** The header that carries the secret of an override. */
const SECRET_HEADER = 'x-serin-secret'

/** What assignment may read of an HTTP request. Node decodes header bytes as latin1: byte strings already. */
export class HttpFields implements RequestFields {
  readonly #req: IncomingMessage
  readonly #body: BodyValues | null
  readonly #readIp: (req: IncomingMessage) => string

  constructor(
    req: IncomingMessage,
    body: BodyValues | null,
    readIp: (req: IncomingMessage) => string,
  ) {
    this.#req = req
    this.#body = body
    this.#readIp = readIp
  }

  header(name: string): string | null {
    const joined = this.#req.headers[name]
    if (typeof joined !== 'string') return null
    // Node joins lines of one name with a comma; the first line alone is asked for.
    return joined.includes(', ') ? this.#firstLine(name) : joined
  }

  cookie(name: string): string | null {
    const header = this.#req.headers.cookie
    return header === undefined ? null : readCookie(header, name)
  }

  query(name: string): string | null {
    return readQuery(this.#req.url!, name)
  }

  body(pointer: string): string | null {
    if (this.#body === null) return null
    return this.#body.values[this.#body.pointers.indexOf(pointer)] ?? null
  }

  ip(): string {
    return this.#readIp(this.#req)
  }

  secretMatches(expected: string): boolean {
    const given = this.header(SECRET_HEADER)
    if (given === null) return false
    // Hashed first: both sides then have one length, which is all that the comparison may tell.
    return timingSafeEqual(sha256(Buffer.from(given, 'latin1')), sha256(Buffer.from(expected)))
  }

  #firstLine(name: string): string {
    const { rawHeaders } = this.#req
    let n = 0
    while (rawHeaders[n]!.toLowerCase() !== name) n += 2
    return rawHeaders[n + 1]!
  }
}

function sha256(bytes: Buffer): Buffer {
  return createHash('sha256').update(bytes).digest()
}
