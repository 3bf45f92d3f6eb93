import { toByteString } from './byte-string.ts'
import {
  decodeToken,
  endOfScalar,
  endOfString,
  endOfWord,
  INCOMPLETE,
  skipSpace,
} from './json-token.ts'

/**
 * `found`: every pointer is settled (null = the document has no scalar there). `incomplete`: the bytes
 * ended before that. `malformed`: no JSON object or array, or nested too deep. Values settled before an
 * `incomplete` or `malformed` are kept; the others are null.
 */
export type JsonScan = {
  readonly status: 'found' | 'incomplete' | 'malformed'
  /** By the index of the pointer. */
  readonly values: readonly (string | null)[]
}

/** Containers inside one another, the outermost included; beyond it a document is malformed. */
export const MAX_DEPTH = 64

const SETTLED = -1
const QUOTE = 0x22
const COMMA = 0x2c
const COLON = 0x3a
const OPEN_BRACKET = 0x5b
const CLOSE_BRACKET = 0x5d
const OPEN_BRACE = 0x7b
const CLOSE_BRACE = 0x7d
const BYTE_ORDER_MARK = '\u00ef\u00bb\u00bf'

/**
 * Reads RFC 6901 pointers out of the first `length` bytes of a JSON document, which may be the beginning of
 * a longer one, and stops where all of them are settled: what follows is not looked at. Values are byte
 * strings: strings decoded, numbers and words as written, objects and arrays null. Of equal names in an
 * object the first counts. Beyond RFC 8259 a byte order mark, `NaN` and `Infinity` are accepted.
 */
export function scanJson(bytes: Uint8Array, length: number, pointers: readonly string[]): JsonScan {
  const targets = pointers.map(toTarget)
  const status = new Walk(bytes.subarray(0, length), targets).run()
  return { status, values: targets.map(({ value }) => value) }
}

/** A pointer on the way to its value. */
type Target = {
  /** Names and indices as byte strings. */
  readonly tokens: readonly string[]
  /** How many of them led to where the walk is; SETTLED once it has left where the value is or would be. */
  matched: number
  value: string | null
}

function toTarget(pointer: string): Target {
  const tokens = pointer
    .split('/')
    .slice(1)
    .map((token) => toByteString(token.replaceAll('~1', '/').replaceAll('~0', '~')))
  return { tokens, matched: 0, value: null }
}

/** Goes through a document once, by recursive descent. Its steps return false where the walk is over. */
class Walk {
  readonly #bytes: Uint8Array
  readonly #targets: readonly Target[]
  #unsettled: number
  #at = 0
  #status: JsonScan['status'] = 'found'

  constructor(bytes: Uint8Array, targets: readonly Target[]) {
    this.#bytes = bytes
    this.#targets = targets
    this.#unsettled = targets.length
  }

  run(): JsonScan['status'] {
    if (this.#unsettled === 0) return 'found'
    const afterMark = endOfWord(this.#bytes, 0, BYTE_ORDER_MARK)
    if (afterMark === INCOMPLETE) return 'incomplete'
    this.#at = Math.max(afterMark, 0)
    const first = this.#peek()
    if (first === OPEN_BRACE || first === OPEN_BRACKET) this.#value(0, true)
    else this.#refuse(first)
    return this.#status
  }

  /** `isOnWay`: some target leads to this value or below it; elsewhere nothing is decoded. */
  #value(depth: number, isOnWay: boolean): boolean {
    const first = this.#peek()
    if (first === OPEN_BRACE || first === OPEN_BRACKET) {
      if (depth === MAX_DEPTH) return this.#refuse(first)
      return first === OPEN_BRACE ? this.#object(depth, isOnWay) : this.#array(depth, isOnWay)
    }
    const start = this.#at
    if (first === QUOTE) {
      if (!this.#moveTo(endOfString(this.#bytes, start))) return false
      if (isOnWay) this.#take(depth, start + 1, this.#at - 1)
    } else {
      if (!this.#moveTo(endOfScalar(this.#bytes, start))) return false
      if (isOnWay) this.#take(depth, start, this.#at)
    }
    return true
  }

  #object(depth: number, isOnWay: boolean): boolean {
    this.#at++
    if (this.#accept(CLOSE_BRACE)) return true
    do {
      const first = this.#peek()
      if (first !== QUOTE) return this.#refuse(first)
      const start = this.#at
      if (!this.#moveTo(endOfString(this.#bytes, start))) return false
      const name = isOnWay ? decodeToken(this.#bytes, start + 1, this.#at - 1) : null
      if (!this.#expect(COLON) || !this.#child(depth, name)) return false
    } while (this.#accept(COMMA))
    return this.#expect(CLOSE_BRACE)
  }

  #array(depth: number, isOnWay: boolean): boolean {
    this.#at++
    if (this.#accept(CLOSE_BRACKET)) return true
    let index = 0
    do {
      if (!this.#child(depth, isOnWay ? String(index++) : null)) return false
    } while (this.#accept(COMMA))
    return this.#expect(CLOSE_BRACKET)
  }

  /** The value under a name or index; null = nobody asks for it. */
  #child(depth: number, token: string | null): boolean {
    const isOnWay = token !== null && this.#follow(depth, token)
    if (!this.#value(depth + 1, isOnWay)) return false
    return !isOnWay || this.#settle(depth + 1)
  }

  #follow(depth: number, token: string): boolean {
    let isFollowed = false
    for (const target of this.#targets) {
      if (target.matched !== depth || target.tokens[depth] !== token) continue
      target.matched++
      isFollowed = true
    }
    return isFollowed
  }

  #take(depth: number, from: number, to: number): void {
    for (const target of this.#targets) {
      if (target.matched !== depth || target.tokens.length !== depth) continue
      target.value = decodeToken(this.#bytes, from, to)
    }
  }

  #settle(depth: number): boolean {
    for (const target of this.#targets) {
      if (target.matched !== depth) continue
      target.matched = SETTLED
      this.#unsettled--
    }
    return this.#unsettled > 0
  }

  #peek(): number | undefined {
    this.#at = skipSpace(this.#bytes, this.#at)
    return this.#bytes[this.#at]
  }

  #accept(wanted: number): boolean {
    const isThere = this.#peek() === wanted
    if (isThere) this.#at++
    return isThere
  }

  #expect(wanted: number): boolean {
    return this.#accept(wanted) || this.#refuse(this.#bytes[this.#at])
  }

  #moveTo(end: number): boolean {
    if (end < 0) this.#status = end === INCOMPLETE ? 'incomplete' : 'malformed'
    else this.#at = end
    return end >= 0
  }

  #refuse(found: number | undefined): false {
    this.#status = found === undefined ? 'incomplete' : 'malformed'
    return false
  }
}
