import { deserialize } from 'node:v8'
import { RecordReader } from './record-reader.ts'
import { RecordWriter } from './record-writer.ts'

/** First byte of what is written here; that of V8's serializer is 255. */
const FORMAT = 1

const writer = new RecordWriter()

/**
 * Encodes data so that it comes back equal to the bit: -0, NaN, infinities, empty arrays and `undefined`
 * included, which neither JSON nor MessagePack keeps. Throws on functions and symbols. The format is one of our
 * own (record-format.ts): V8's serializer takes five times as long for the records of a tick.
 */
export function encodeRecord(value: unknown): Buffer {
  writer.begin(FORMAT)
  writer.write(value)
  return writer.take()
}

/**
 * The value that `encodeRecord` was given, or V8's `serialize`, which wrote the records before. `T` is what the
 * caller stored under that key. Throws where the bytes are not whole.
 */
export function decodeRecord<T>(bytes: Uint8Array): T {
  if (bytes[0] !== FORMAT) return deserialize(bytes) as T
  return new RecordReader(bytes, 1).read() as T
}
