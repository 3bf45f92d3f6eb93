import { deserialize } from 'node:v8'
import { TAG } from './record-format.ts'
import { RECORD_WORDS } from './record-words.ts'

/** Reads what `RecordWriter` has written. Throws where the bytes end too early or mean nothing. */
export class RecordReader {
  readonly #bytes: Buffer
  readonly #view: DataView
  #at: number

  /** Begins at the byte `from`. */
  constructor({ buffer, byteOffset, length }: Uint8Array, from: number) {
    this.#bytes = Buffer.from(buffer, byteOffset, length)
    this.#view = new DataView(buffer, byteOffset, length)
    this.#at = from
  }

  /** The value that begins here. */
  read(): unknown {
    const tag = this.#view.getUint8(this.#at++)
    if (tag < TAG.DOUBLE) return tag
    if (tag >= TAG.WORD) return this.#word(tag)
    switch (tag) {
      case TAG.DOUBLE:
        return this.#double()
      case TAG.INT32:
        this.#at += 4
        return this.#view.getInt32(this.#at - 4, true)
      case TAG.NULL:
        return null
      case TAG.UNDEFINED:
        return undefined
      case TAG.TRUE:
        return true
      case TAG.FALSE:
        return false
      case TAG.ARRAY:
        return Array.from({ length: this.#length(1) }, () => this.read())
      case TAG.OBJECT:
        return this.#object()
      case TAG.FLOATS:
        return Float64Array.from({ length: this.#length(8) }, () => this.#double())
      case TAG.ASCII:
        return this.#take(1).toString('latin1')
      case TAG.WIDE:
        return this.#take(2).toString('utf16le')
      case TAG.OTHER:
        return deserialize(this.#take(1))
      default:
        throw new Error(`no value in a record begins with ${tag}`)
    }
  }

  #object(): Record<string, unknown> {
    const object: Record<string, unknown> = {}
    while (this.#view.getUint8(this.#at) !== TAG.END) {
      const key = this.read() as string
      const value = this.read()
      // Set as any other, it would be the prototype.
      if (key === '__proto__') Object.defineProperty(object, key, { value, ...PLAIN })
      else object[key] = value
    }
    this.#at += 1
    return object
  }

  #word(tag: number): string {
    const word = RECORD_WORDS[tag - TAG.WORD]
    if (word === undefined) throw new Error(`no word of records has the place ${tag - TAG.WORD}`)
    return word
  }

  #double(): number {
    this.#at += 8
    return this.#view.getFloat64(this.#at - 8, true)
  }

  /** A length, and the bytes of so many things. */
  #take(itemBytes: number): Buffer {
    const bytes = itemBytes * this.#length(itemBytes)
    this.#at += bytes
    return this.#bytes.subarray(this.#at - bytes, this.#at)
  }

  /** A length, of things that take so many bytes each at least: more than there are would be made in vain. */
  #length(itemBytes: number): number {
    const length = this.read() as number
    const left = this.#bytes.length - this.#at
    if (!(length * itemBytes <= left)) throw new Error(`a record ends before its ${length} values`)
    return length
  }
}

const PLAIN = { configurable: true, enumerable: true, writable: true } as const
