import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { Processes } from '../processes.ts'
import type { SleeperReply } from './sleeper.ts'

/** Says how late a process on a core wakes that does nothing but sleep; once at a time. */
export type CoreSleeper = {
  /** The 99th percentile over so many milliseconds, in milliseconds. @throws when the sleeper has ended */
  readonly lateP99Ms: (ms: number) => Promise<number>
  readonly close: () => Promise<void>
}

/** Starts a sleeper on a core, with the priority that servers have. */
export function createCoreSleeper(processes: Processes, core: number): CoreSleeper {
  const script = fileURLToPath(new URL('./sleeper.js', import.meta.url))
  const child = processes.start({
    command: [process.execPath, script],
    core,
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
  const ended = new AbortController()
  child.once('exit', () => ended.abort())
  return {
    lateP99Ms: async (ms) => {
      child.send(ms)
      const [{ lateP99Ms }] = (await once(child, 'message', { signal: ended.signal })) as [
        SleeperReply,
      ]
      return lateP99Ms
    },
    close: () => processes.stop(child),
  }
}
