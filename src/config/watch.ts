import { realpathSync, statSync, watch, type FSWatcher } from 'node:fs'
import { dirname } from 'node:path'

/** What a watch tells, and when. */
export type WatchOptions = {
  /** Called once after each burst of changes that left the file another one than before. */
  readonly onChange: () => void
  /** How long the file must have been quiet, whatever else is written in its folder. */
  readonly debounceMs: number
  /** Told when the file can no longer be watched, or not be looked at for another reason than being away. */
  readonly onError: (error: Error) => void
}

/**
 * Watches a file that may be written in place, replaced by a rename (editors) or be a symbolic link that
 * is swapped (Kubernetes ConfigMaps): its folder is watched, and that of the link's target. A file that
 * is away for a moment is no change. Keeps no process alive. Throws when the folder is not there.
 */
export function watchFile(file: string, options: WatchOptions): { readonly close: () => void } {
  const watching = new FileWatch(file, options)
  return { close: () => watching.close() }
}

class FileWatch {
  readonly #file: string
  readonly #options: WatchOptions
  readonly #folder: FSWatcher
  #target: { readonly path: string; readonly watcher: FSWatcher } | null = null
  #timer: NodeJS.Timeout | null = null
  /** As it was when it was reported last, and at the last look. */
  #seen: string | null
  #last: string | null
  #isTroubled = false
  #closed = false

  constructor(file: string, options: WatchOptions) {
    this.#file = file
    this.#options = options
    this.#folder = this.#watch(dirname(file))
    this.#seen = this.#last = this.#look()
  }

  close(): void {
    this.#closed = true
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#folder.close()
    this.#target?.watcher.close()
  }

  #watch(folder: string): FSWatcher {
    const watcher = watch(folder, { persistent: false }, () => this.#schedule())
    return watcher.on('error', this.#options.onError)
  }

  #schedule(): void {
    // Events tell of all that is in the folder, and may never end: they only begin a wait.
    if (this.#closed || this.#timer !== null) return
    this.#last = this.#look()
    this.#timer = setTimeout(() => this.#compare(), this.#options.debounceMs)
    this.#timer.unref()
  }

  #compare(): void {
    this.#timer = null
    const before = this.#last
    const now = this.#look()
    // It was not quiet: the next look is the one that counts.
    if (now !== before) return this.#schedule()
    if (now === null || now === this.#seen) return
    this.#seen = now
    this.#options.onChange()
  }

  /** What tells one state of the file from another; null while it is away. */
  #look(): string | null {
    try {
      const path = realpathSync(this.#file)
      const { ino, size, mtimeNs } = statSync(path, { bigint: true })
      this.#follow(dirname(path))
      this.#isTroubled = false
      return `${path} ${ino} ${size} ${mtimeNs}`
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') this.#tell(error as Error)
      return null
    }
  }

  /** Once, for it is looked at often. */
  #tell(error: Error): void {
    if (!this.#isTroubled) this.#options.onError(error)
    this.#isTroubled = true
  }

  /** Watches the folder of a link's target, which may be another one after each swap. */
  #follow(folder: string): void {
    if (this.#target?.path === folder) return
    this.#target?.watcher.close()
    this.#target = null
    if (folder !== realpathSync(dirname(this.#file)))
      this.#target = { path: folder, watcher: this.#watch(folder) }
  }
}
