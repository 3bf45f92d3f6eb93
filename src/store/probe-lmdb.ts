import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { open } from 'lmdb'
import { prepareStoreDirectory, requireRoom } from './store-directory.ts'
import { toStoreError } from './store-error.ts'

/**
 * Whether a store could live at `path`: what is there already is a store that can be written, and a store
 * can be made, locked and written in the nearest folder that exists. Tried on a store beside it, which is
 * gone afterwards: nothing is left, and a gateway that uses `path` meanwhile notices nothing. Rejects with
 * a StoreError that says what is wrong.
 */
export async function probeLmdb(path: string): Promise<void> {
  if (existsSync(path)) prepareStoreDirectory(path)
  const folder = nearestFolder(resolve(path))
  let probe: string
  try {
    probe = mkdtempSync(join(folder, '.serin-check-'))
  } catch (error) {
    throw toStoreError(
      `nothing can be written in ${folder}, where the store's path ${path} leads`,
      error,
    )
  }
  try {
    requireRoom(folder)
    const database = open({ path: probe, noSubdir: false, mapSize: PROBE_BYTES })
    await database.put('probe', 1)
    await database.close()
  } catch (error) {
    throw toStoreError(
      `no store can be opened or locked in ${folder}, for the store's path ${path}`,
      error,
    )
  } finally {
    rmSync(probe, { recursive: true, force: true })
  }
}

const PROBE_BYTES = 1024 ** 2

function nearestFolder(path: string): string {
  return existsSync(path) || dirname(path) === path ? path : nearestFolder(dirname(path))
}
