import type { ComparedPair } from '../metrics/mirror-book.ts'
import type { MirrorFigures } from './service-status.ts'

/** A mirror as the API shows it: times ISO 8601, null for what is not known. */
export type MirrorJson = Omit<MirrorFigures, 'lastOkAt' | 'lastDisagreed'> & {
  readonly lastOkAt: string | null
  readonly lastDisagreed: readonly PairJson[]
}

/** A pair of answers that disagree. */
export type PairJson = Omit<ComparedPair, 'at'> & { readonly at: string }

/** Builds the JSON of one mirror. */
export function presentMirror(mirror: MirrorFigures): MirrorJson {
  return {
    ...mirror,
    lastOkAt: mirror.lastOkAt === null ? null : toIso(mirror.lastOkAt),
    lastDisagreed: mirror.lastDisagreed.map((pair) => ({ ...pair, at: toIso(pair.at) })),
  }
}

function toIso(ms: number): string {
  return new Date(ms).toISOString()
}
