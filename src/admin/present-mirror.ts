import type { Json } from './schema-value.ts'
import type { MirrorFigures } from './service-status.ts'
import type { MirrorSchema } from './schema-mirror.ts'

/** A mirror as the API shows it: times ISO 8601, null for what is not known. */
export type MirrorJson = Json<typeof MirrorSchema>

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
