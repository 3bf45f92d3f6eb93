import type { Database } from 'lmdb'
import { StoreError } from './store-error.ts'

/**
 * Version of the layout of an LMDB store; a store of a newer one is refused. What older versions wrote is read as it
 * is: evidence without units behind it, units of one cohort alone (live-record.ts). The archive of version 1 is moved
 * (move-archive.ts).
 */
const SCHEMA_VERSION = 3

/** Writes the schema's version into the store; throws when a newer serin wrote it. True = it was new. */
export function checkSchema(path: string, meta: Database<unknown, string>): boolean {
  const schema = meta.get('schema')
  if (schema !== undefined && !isKnownSchema(schema)) {
    throw new StoreError(
      `store at ${path} was written by a newer serin (schema ${String(schema)}, this one knows ` +
        `${SCHEMA_VERSION}): run that version, or give this one another path`,
    )
  }
  // What is written from now on is not for older versions.
  if (schema !== SCHEMA_VERSION) meta.putSync('schema', SCHEMA_VERSION)
  return schema === undefined
}

/** Whether stores of this version can be read. */
export function isKnownSchema(schema: unknown): boolean {
  return typeof schema === 'number' && schema <= SCHEMA_VERSION
}
