import { constants, createGunzip, createInflate, type ZlibOptions } from 'node:zlib'

/** How much of an encoded body is decoded: at a usual ratio enough for all that is inspected. */
const MOST_ENCODED_BYTES = 16 * 1024

/**
 * The beginning of a body whose bytes are encoded, decoded: gzip and deflate, as servers of models take them
 * (RFC 9110 section 8.4.1). Null where that is not possible: another coding, or broken bytes. It is inflated beside the
 * event loop and up to `mostBytes` alone: a "bomb" of a few bytes costs no more than what is inspected. Calls back once.
 */
export function decodePrefix(
  encoded: Buffer,
  coding: string,
  mostBytes: number,
  done: (decoded: Buffer | null) => void,
): void {
  const create = DECODERS[coding.toLowerCase()]
  if (create === undefined) return done(null)
  // What is cut off is no mistake.
  const decoder = create({ finishFlush: constants.Z_SYNC_FLUSH, chunkSize: mostBytes })
  const finish = (decoded: Buffer | null) => {
    decoder
      .removeAllListeners()
      .on('error', () => {})
      .destroy()
    done(decoded)
  }
  decoder
    .once('data', finish)
    .once('end', () => finish(Buffer.alloc(0)))
    .once('error', () => finish(null))
    .end(encoded.subarray(0, MOST_ENCODED_BYTES))
}

const DECODERS: Readonly<
  Record<string, (options: ZlibOptions) => ReturnType<typeof createGunzip>>
> = { gzip: createGunzip, 'x-gzip': createGunzip, deflate: createInflate }
