import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { Processes } from '../processes.ts'
import type { OpenLoopOrder, OpenLoopReply, OpenLoopResult } from './open-loop.ts'

/** Drives ports at a fixed rate from one process that stays warm; one order at a time. */
export type OpenLoopDriver = {
  /** @throws when an answer was wrong or missing, or a connection failed */
  readonly drive: (order: OpenLoopOrder) => Promise<OpenLoopResult>
  readonly close: () => Promise<void>
}

/** Starts the driver on a core, which it shares with the upstream: it sleeps between its requests. */
export function createOpenLoopDriver(processes: Processes, core: number): OpenLoopDriver {
  const script = fileURLToPath(new URL('./open-loop.js', import.meta.url))
  const child = processes.start({
    command: [process.execPath, script],
    core,
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
  const gone = once(child, 'exit').then(() => {
    throw new Error('the load ended')
  })
  // Only an order that waits wants to know.
  gone.catch(() => undefined)
  return {
    drive: async (order) => {
      child.send(order)
      const [reply] = (await Promise.race([once(child, 'message'), gone])) as [OpenLoopReply]
      if ('error' in reply) throw new Error(reply.error)
      return reply.result
    },
    close: () => processes.stop(child),
  }
}
