/** One of the two answers of a pair. */
export type MirrorAnswer = {
  readonly status: number
  /** From sending the request to the head of its answer. */
  readonly headMs: number
  /** The same to the first byte of its body, or its head where it has none; null = nobody asks. */
  readonly firstByteMs: number | null
  /** The body; null when its bytes are not what they stand for, too many, or never wanted. */
  readonly chunks: readonly Buffer[] | null
  readonly bytes: number
}

/** Whether a body with this header can be compared: neither encoded nor a stream of events. */
export function isReadable(raw: readonly Buffer[]): boolean {
  for (let n = 0; n < raw.length; n += 2) {
    const name = raw[n]!.toString('latin1').toLowerCase()
    const value = raw[n + 1]!.toString('latin1').toLowerCase()
    if (name === 'content-encoding' && value !== 'identity') return false
    if (name === 'content-type' && value.startsWith('text/event-stream')) return false
  }
  return true
}
