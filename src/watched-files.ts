import type { Config } from './config/config.ts'
import { watchFile } from './config/watch.ts'

/** Watches a configuration's file, and the certificates and keys that it names. */
export type WatchedFiles = {
  /** Watches the files of this configuration instead of those of the one before. */
  readonly follow: (config: Config) => void
  readonly close: () => void
}

/** A file that is being written is read when it has been quiet for this long. */
const DEBOUNCE_MS = 200

/**
 * Certificates are renewed behind a running process's back, by a rename or a swapped link; a pair changes
 * at once, so `onChange` is called once for what changes together. `onError` hears of a file that is not
 * watched (any more).
 */
export function createWatchedFiles(
  onChange: () => void,
  onError: (file: string, error: unknown) => void,
): WatchedFiles {
  const watches = new Map<string, { readonly close: () => void }>()
  let soon: NodeJS.Immediate | null = null
  let isClosed = false
  const changed = () => {
    soon ??= setImmediate(() => {
      soon = null
      onChange()
    })
  }
  return {
    follow: (config) => {
      if (isClosed) return
      const files = listFiles(config)
      for (const [file, watch] of watches) {
        if (files.has(file)) continue
        watch.close()
        watches.delete(file)
      }
      for (const file of files) {
        if (watches.has(file)) continue
        const told = (error: unknown) => onError(file, error)
        try {
          const options = { debounceMs: DEBOUNCE_MS, onChange: changed, onError: told }
          watches.set(file, watchFile(file, options))
        } catch (error) {
          told(error)
        }
      }
    },
    close: () => {
      isClosed = true
      if (soon !== null) clearImmediate(soon)
      for (const watch of watches.values()) watch.close()
      watches.clear()
    },
  }
}

function listFiles({ file, gateway, services }: Config): ReadonlySet<string> {
  const variants = services.flatMap((service) => service.variants)
  const upstreams = variants.flatMap(({ tls }) => [tls?.ca, tls?.cert, tls?.key])
  const all = [file, gateway.tls?.cert, gateway.tls?.key, ...upstreams]
  return new Set(all.filter((each) => typeof each === 'string'))
}
