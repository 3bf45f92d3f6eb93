import type { IncomingMessage } from 'node:http'

/** The beginning of a request body. */
export type Prefix = {
  readonly chunks: readonly Buffer[]
  readonly bytes: number
  /** The whole body. */
  readonly isComplete: boolean
  /** Of bytes that are encoded, what they begin with, as far as it is inspected; null = that cannot be told. */
  readonly decoded?: Buffer | null
}

/** A body that was read to its end, in one piece; null = there is none. */
export function wholeBody(prefix: Prefix): Buffer | null {
  if (prefix.bytes === 0) return null
  return prefix.chunks.length === 1 ? prefix.chunks[0]! : Buffer.concat(prefix.chunks)
}

/**
 * Reads a request body until its end or until `enoughBytes` are there, whichever comes first; then the
 * request is paused. Calls back once, or never when the client leaves first. `onChunk` tells of progress: the bytes
 * so far.
 */
export function collectPrefix(
  req: IncomingMessage,
  enoughBytes: number,
  onChunk: (bytes: number) => void,
  done: (prefix: Prefix) => void,
): void {
  const chunks: Buffer[] = []
  let bytes = 0
  const finish = (isComplete: boolean) => {
    // What has ended calls nobody any more.
    if (!isComplete) req.off('data', onData).off('end', onEnd).pause()
    done({ chunks, bytes, isComplete })
  }
  const onData = (chunk: Buffer) => {
    chunks.push(chunk)
    bytes += chunk.length
    if (bytes > enoughBytes) finish(false)
    else onChunk(bytes)
  }
  const onEnd = () => finish(true)
  req.on('data', onData).on('end', onEnd)
}
