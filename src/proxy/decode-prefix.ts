import { constants, gunzipSync, inflateSync } from 'node:zlib'

/** How much of an encoded body is decoded: at a usual ratio enough for all that is inspected. */
const MOST_ENCODED_BYTES = 16 * 1024

/** Most that this may become: a "bomb" of a few bytes must not hold the event loop. */
const MOST_DECODED_BYTES = 1024 * 1024

/**
 * The beginning of a body whose bytes are encoded, decoded: gzip and deflate, as servers of models take them
 * (RFC 9110 section 8.4.1). Null where that is not possible: another coding, or broken or hostile bytes.
 */
export function decodePrefix(encoded: Buffer, coding: string): Buffer | null {
  const decode = DECODERS[coding.toLowerCase()]
  if (decode === undefined) return null
  try {
    return decode(encoded.subarray(0, MOST_ENCODED_BYTES), {
      // What is cut off is no mistake.
      finishFlush: constants.Z_SYNC_FLUSH,
      maxOutputLength: MOST_DECODED_BYTES,
    })
  } catch {
    return null
  }
}

const DECODERS: Readonly<Record<string, typeof gunzipSync>> = {
  gzip: gunzipSync,
  'x-gzip': gunzipSync,
  deflate: inflateSync,
}
