import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { Processes } from '../processes.ts'
import type { OpenLoopOrder, OpenLoopReply, OpenLoopResult } from './open-loop.ts'

/** Drives ports at a fixed rate from one process that stays warm; one order at a time. */
export type OpenLoopDriver = {
  /** As the system names it: `real-time` where it may have that, else `normal`. */
  readonly priority: 'real-time' | 'normal'
  /**
   * `onBegin` is called when the counted requests begin.
   *
   * @throws when an answer was wrong or missing, or a connection failed
   */
  readonly drive: (order: OpenLoopOrder, onBegin?: () => void) => Promise<OpenLoopResult>
  readonly close: () => Promise<void>
}

const REAL_TIME = ['chrt', '--rr', '1']

/**
 * Starts the driver on a core, which it shares with the upstream: it sleeps between its requests. Of normal priority it
 * waits for its turn whenever the upstream has the core, up to some milliseconds, and sleeps longer than it asks for.
 */
export function createOpenLoopDriver(processes: Processes, core: number): OpenLoopDriver {
  const script = fileURLToPath(new URL('./open-loop.js', import.meta.url))
  const [program, ...settings] = REAL_TIME
  const isRealTime = spawnSync(program!, [...settings, 'true']).status === 0
  const child = processes.start({
    command: [...(isRealTime ? REAL_TIME : []), process.execPath, script],
    core,
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
  return {
    priority: isRealTime ? 'real-time' : 'normal',
    drive: (order, onBegin) =>
      new Promise((resolve, reject) => {
        const settle = (settled: () => void) => {
          child.off('message', onReply).off('exit', onExit)
          settled()
        }
        const onExit = () => settle(() => reject(new Error('the load ended')))
        const onReply = (message: unknown) => {
          const reply = message as OpenLoopReply
          if ('begun' in reply) onBegin?.()
          else if ('error' in reply) settle(() => reject(new Error(reply.error)))
          else settle(() => resolve(reply.result))
        }
        child.on('message', onReply).on('exit', onExit)
        child.send(order)
      }),
    close: () => processes.stop(child),
  }
}
