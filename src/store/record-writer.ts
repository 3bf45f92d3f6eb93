import { serialize } from 'node:v8'
import { TAG } from './record-format.ts'
import { RECORD_WORDS } from './record-words.ts'

const TAGS = new Map(RECORD_WORDS.map((word, place) => [word, TAG.WORD + place]))

/** Room that is kept from one record to the next, in bytes; what a larger one needed goes with it. */
const KEPT_BYTES = 64 * 1024

/** Bytes of a piece of memory that short records share. */
const PIECE_BYTES = 64 * 1024

/** What is written as an array of its numbers would be, without there being one. */
export abstract class NumberRow {
  /** How many numbers it is. */
  abstract get length(): number
  /** Gives them to the writer, in order. */
  abstract writeTo(writer: NumberWriter): void
}

/** What a row gives its numbers to. */
export type NumberWriter = Pick<RecordWriter, 'number'>

/**
 * Writes values as bytes, one record after the other into the same room. Thousands of records are written in a
 * tick, so what they are full of (objects, arrays, numbers and words) is written by plain loops.
 */
export class RecordWriter {
  #bytes = Buffer.alloc(KEPT_BYTES)
  #view = viewOf(this.#bytes)
  #at = 0
  #piece = Buffer.alloc(0)
  #pieceAt = 0

  /** A new record that begins with this byte; what was written of another one is gone. */
  begin(first: number): void {
    this.#bytes[0] = first
    this.#at = 1
  }

  /** What was written, as bytes of its own. */
  take(): Buffer {
    const record = this.#allot(this.#at)
    this.#bytes.copy(record, 0, 0, this.#at)
    if (this.#bytes.length > KEPT_BYTES) this.#room(KEPT_BYTES)
    return record
  }

  /** Records are short and soon gone, and come by the thousand: many share a piece of memory. */
  #allot(length: number): Buffer {
    if (length > PIECE_BYTES / 8) return Buffer.allocUnsafeSlow(length)
    if (this.#pieceAt + length > this.#piece.length) {
      this.#piece = Buffer.allocUnsafeSlow(PIECE_BYTES)
      this.#pieceAt = 0
    }
    this.#pieceAt += length
    return this.#piece.subarray(this.#pieceAt - length, this.#pieceAt)
  }

  /** Throws on functions and symbols. */
  write(value: unknown): void {
    if (typeof value === 'number') this.number(value)
    else if (typeof value === 'string') this.#string(value)
    else if (typeof value === 'object' && value !== null) this.#structure(value)
    else if (value === undefined) this.#tag(TAG.UNDEFINED)
    else if (value === null) this.#tag(TAG.NULL)
    else if (typeof value === 'boolean') this.#tag(value ? TAG.TRUE : TAG.FALSE)
    else this.#other(value)
  }

  #structure(value: object): void {
    if (Array.isArray(value)) {
      this.#tag(TAG.ARRAY)
      this.number(value.length)
      for (let i = 0; i < value.length; i += 1) {
        const item: unknown = value[i]
        // Numbers above all: handed on as anything, each would be an object of its own.
        if (typeof item === 'number') this.number(item)
        else this.write(item)
      }
    } else if (value instanceof NumberRow) {
      this.#tag(TAG.ARRAY)
      this.number(value.length)
      value.writeTo(this)
    } else if (value instanceof Float64Array) {
      this.#tag(TAG.FLOATS)
      this.number(value.length)
      this.#need(8 * value.length)
      for (let i = 0; i < value.length; i += 1) this.#double(value[i]!)
    } else if (isPlain(value)) {
      const record = value as Readonly<Record<string, unknown>>
      this.#tag(TAG.OBJECT)
      // Nothing is inherited; `Object.keys` would make an array of each.
      for (const key in record) {
        const item = record[key]
        this.#string(key)
        if (typeof item === 'number') this.number(item)
        else this.write(item)
      }
      this.#tag(TAG.END)
    } else this.#other(value)
  }

  #other(value: unknown): void {
    const bytes = serialize(value)
    this.#tag(TAG.OTHER)
    this.number(bytes.length)
    this.#need(bytes.length)
    this.#at += bytes.copy(this.#bytes, this.#at)
  }

  /** A number by itself: what else is written decides where it belongs. */
  number(value: number): void {
    if ((value | 0) !== value || Object.is(value, -0)) {
      this.#tag(TAG.DOUBLE)
      this.#need(8)
      this.#double(value)
    } else if (value >= 0 && value < TAG.DOUBLE) {
      this.#tag(value)
    } else {
      this.#tag(TAG.INT32)
      this.#need(4)
      this.#view.setInt32(this.#at, value, true)
      this.#at += 4
    }
  }

  #double(value: number): void {
    this.#view.setFloat64(this.#at, value, true)
    this.#at += 8
  }

  #string(value: string): void {
    const word = TAGS.get(value)
    if (word !== undefined) return this.#tag(word)
    const { length } = value
    const start = this.#at
    this.#tag(TAG.ASCII)
    this.number(length)
    this.#need(2 * length)
    const bytes = this.#bytes
    let at = this.#at
    for (let i = 0; i < length; i += 1) {
      const unit = value.charCodeAt(i)
      if (unit > 127) return this.#wide(value, start)
      bytes[at++] = unit
    }
    this.#at = at
  }

  /** In the place of what was written from `start` on. */
  #wide(value: string, start: number): void {
    this.#at = start
    this.#tag(TAG.WIDE)
    this.number(value.length)
    this.#at += this.#bytes.write(value, this.#at, 'utf16le')
  }

  #tag(tag: number): void {
    this.#need(1)
    this.#bytes[this.#at++] = tag
  }

  #need(bytes: number): void {
    const end = this.#at + bytes
    if (end > this.#bytes.length) this.#room(Math.max(end, 2 * this.#bytes.length))
  }

  #room(length: number): void {
    const bytes = Buffer.alloc(length)
    this.#bytes.copy(bytes, 0, 0, this.#at)
    this.#bytes = bytes
    this.#view = viewOf(bytes)
  }
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}

function viewOf(bytes: Buffer): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
}
