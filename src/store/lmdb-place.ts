import { statSync } from 'node:fs'
import { join } from 'node:path'
import { LMDB_FILES } from './store-directory.ts'
import { StoreError } from './store-error.ts'

/**
 * Remembers the files of the store that was opened in the folder `path`. The function that comes back throws a
 * StoreError, which says what to do, while others lie there or none: the system goes on taking what is written into
 * files that have lost their names, and nobody finds it again. Cheap enough for every write (some microseconds).
 */
export function rememberPlace(path: string): () => void {
  // Without its lock others would write beside it.
  const opened = LMDB_FILES.map((name) => ({
    file: join(path, name),
    id: identify(join(path, name)),
  }))
  return () => {
    for (const { file, id } of opened) {
      const found = identify(file)
      if (found === id || found === UNKNOWN || id === UNKNOWN) continue
      const what = found === GONE ? 'is gone' : 'is not the file that was opened'
      throw new StoreError(
        `${file} ${what}: the store's folder was removed or replaced while it was in use, so nothing is written any more; ` +
          'move the same folder back, or stop the gateway, put a copy in its place and start it anew (without one it begins with an empty store)',
      )
    }
  }
}

const GONE = 'gone'
const UNKNOWN = 'unknown'

/** Device and inode; an inode is not given anew while a process has its file open. */
function identify(file: string): string {
  try {
    const stats = statSync(file, { throwIfNoEntry: false })
    return stats === undefined ? GONE : `${stats.dev}:${stats.ino}`
  } catch {
    // A folder that may not be looked into any more is still there.
    return UNKNOWN
  }
}
