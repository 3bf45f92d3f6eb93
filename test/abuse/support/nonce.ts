import { NONCE } from './request-corpus.ts'

/** Length of every nonce: the corpus counts with it. */
const NONCE_PATTERN = /n[0-9a-f]{12}/g

/** Gives out names, each once, and knows whom a name in some bytes belongs to. */
export class Nonces {
  readonly #given = new Set<string>()
  #count = 0

  next(): string {
    // Spread over all digits: no two differ in one character alone.
    const digits = (Math.imul(++this.#count, 0x9e3779b1) >>> 0).toString(16).padStart(8, '0')
    const nonce = `n${digits}${digits.slice(2, 6)}`
    this.#given.add(nonce)
    return nonce
  }

  /** Drops all but the latest names, which may still be in use. */
  forget(): void {
    for (const nonce of [...this.#given].slice(0, -1_000)) this.#given.delete(nonce)
  }

  /** Names in these bytes that were given to somebody else. */
  foreign(bytes: Buffer, own: string): readonly string[] {
    const found = bytes.toString('latin1').match(NONCE_PATTERN) ?? []
    return found.filter((nonce) => nonce !== own && this.#given.has(nonce))
  }
}

/** A corpus entry with a sender's name in it. */
export function named(text: string, nonce: string): Buffer {
  return Buffer.from(text.replaceAll(NONCE, nonce), 'latin1')
}
