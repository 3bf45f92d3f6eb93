import type { Ending, VariantBook } from '../../src/metrics/variant-book.ts'
import type { Ticket } from '../../src/metrics/recorder.ts'

/** Books a request that has ended: a drawn one that was answered well in 10 ms, but for what is named. */
export function bookRequest(
  book: VariantBook,
  change: Partial<Ending & Pick<Ticket, 'reason' | 'side' | 'unit' | 'segment' | 'ruled'>> = {},
): void {
  const drawn = { reason: 'key', side: 0, unit: null, segment: null, ruled: null } as const
  const ticket = { ...drawn, ...change }
  const times = { durationMs: 10, firstByteMs: null, upstreamMs: 9, at: 0 }
  const ending = { outcome: 'ok', status: 200, code: null, ...times }
  book.end(ticket, { ...ending, ...change } as Ending)
}
