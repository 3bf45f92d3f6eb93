import type { Socket } from 'node:net'
import { fc } from '../../support/fast-check.ts'

/** How bytes are cut up on their way: sizes of the pieces, used in turn; empty = one piece. */
export const FRAGMENTS: fc.Arbitrary<readonly number[]> = fc.oneof(
  fc.constant([]),
  fc.array(fc.oneof(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 4_000 })), {
    minLength: 1,
    maxLength: 6,
  }),
)

/** Most pieces of one message: the rest of it goes at once. */
const MOST_PIECES = 12

/**
 * Writes bytes piece by piece, each in a turn of the event loop of its own. `glueAt`: what stands behind this
 * offset is written in one piece with what stands before it. Stops when the socket is gone.
 */
export async function writeFragments(
  socket: Socket,
  bytes: Buffer,
  sizes: readonly number[],
  glueAt = Infinity,
): Promise<void> {
  let at = 0
  for (let piece = 0; at < bytes.length; piece++) {
    const size = piece < MOST_PIECES ? sizes[piece % sizes.length] : undefined
    const end = size === undefined || at + size >= glueAt ? bytes.length : at + size
    if (socket.destroyed || !socket.writable) return
    socket.write(bytes.subarray(at, end))
    at = end
    if (at < bytes.length) await new Promise((resolve) => setImmediate(resolve))
  }
}
