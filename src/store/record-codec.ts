import { deserialize, serialize } from 'node:v8'

/**
 * Encodes plain data (objects, arrays, numbers, strings, null, typed arrays) so that it comes back
 * equal to the bit: -0, NaN, infinities and empty arrays included, which neither JSON nor MessagePack
 * keeps. The format is that of the structured clone algorithm as V8 writes it; newer versions of
 * Node.js read what older ones wrote. Throws on functions and symbols.
 */
export function encodeRecord(value: unknown): Buffer {
  return serialize(value)
}

/** The value that `encodeRecord` was given. `T` is what the caller stored under that key. */
export function decodeRecord<T>(bytes: Uint8Array): T {
  return deserialize(bytes) as T
}
