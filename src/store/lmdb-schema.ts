import type { Database } from 'lmdb'
import { newerStore } from './store-error.ts'

/**
 * Version of the layout of an LMDB store; a store of a newer one is refused. What older versions wrote is read as it
 * is: evidence without units behind it, units of one cohort alone (live-record.ts). The archive of version 1 is moved
 * (move-archive.ts).
 */
const SCHEMA_VERSION = 3

/** Who has written a store last: nobody, a version of serin with an earlier layout, or one with this one's. */
export type WrittenBy = 'nobody' | 'earlier' | 'same'

/** Writes the schema's version into the store; throws when a newer serin wrote it. Who had written it before. */
export function checkSchema(path: string, meta: Database<unknown, string>): WrittenBy {
  const by = writtenBy(path, meta.get('schema'))
  // What is written from now on is not for older versions.
  if (by !== 'same') meta.putSync('schema', SCHEMA_VERSION)
  return by
}

/** Who has written the store at `path`, by its schema; throws when a newer serin did. */
export function writtenBy(path: string, schema: unknown): WrittenBy {
  if (schema === undefined) return 'nobody'
  if (typeof schema === 'number' && schema <= SCHEMA_VERSION) {
    return schema === SCHEMA_VERSION ? 'same' : 'earlier'
  }
  throw newerStore(`at ${path}`, { found: schema, known: SCHEMA_VERSION, name: 'path' })
}
