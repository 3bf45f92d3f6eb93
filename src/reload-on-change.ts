import type { ReloadResult } from './admin/admin-deps.ts'
import { reloadAndLog, type ReloadLog } from './reload.ts'
import { createWatchedFiles, type WatchedFiles } from './watched-files.ts'

/** Reloads whenever one of the files changes that the configuration is made of; the log hears what became of it. */
export function reloadOnChange(reload: () => Promise<ReloadResult>, log: ReloadLog): WatchedFiles {
  return createWatchedFiles(
    () => void reloadAndLog(reload, log),
    (file, error) => log.error({ err: error, file }, 'a file is not watched any more'),
  )
}

/** For a process whose files somebody else watches. */
export const WATCHED_ELSEWHERE: WatchedFiles = { follow: () => {}, close: () => {} }
