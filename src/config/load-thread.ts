/** A thread that loads a configuration: started by `loadConfigApart`, and ended by it. */
import { setPriority } from 'node:os'
import { parentPort, workerData } from 'node:worker_threads'
import type { LoadedPart, LoadOrder } from './load-apart.ts'
import { loadConfig, type ConfigResult } from './load.ts'

/** Services of a part: to take them over holds the other thread up for less than a millisecond. */
const SERVICES = 16

/** Of this thread alone, where threads have one: what it shares a core with has requests to answer. */
const NICENESS = 10

if (process.platform === 'linux') {
  try {
    setPriority(NICENESS)
  } catch {
    // A sandbox may forbid it.
  }
}

const { file, env } = workerData as LoadOrder
const parts = partsOf(await loadConfig(file, env))
parentPort!.on('message', () => parentPort!.postMessage(parts.next().value))

function* partsOf(result: ConfigResult): Generator<LoadedPart, LoadedPart> {
  if (!result.ok) return result
  const { services } = result.config
  yield { ...result, config: { ...result.config, services: [] } }
  for (let at = 0; at < services.length; at += SERVICES) yield services.slice(at, at + SERVICES)
  return []
}
