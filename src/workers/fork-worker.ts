import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { fileURLToPath } from 'node:url'
import type { Port } from './dialogue.ts'
import { forwardLines, type Output } from './forward-lines.ts'
import { HandedOver } from './handed-over.ts'

/** The two ports of a gateway. */
export type DoorName = 'data' | 'admin'

/** A process of a worker. */
export type WorkerProcess = {
  readonly pid: number
  readonly port: Port
  /**
   * Hands it a connection that was accepted here and not read from. Resolves with false, the connection still
   * whole, when it ends before it has it.
   */
  readonly handOver: (to: DoorName, socket: Socket) => Promise<boolean>
  /** Lets go of it: it ends by itself. */
  readonly release: () => void
  /** Ends it at once (SIGKILL). */
  readonly kill: () => void
  /** Resolves when it has ended and all of its output is written. */
  readonly ended: Promise<WorkerEnd>
}

/** How a process ended: by its exit code, or by a signal. */
export type WorkerEnd = { readonly code: number | null; readonly signal: string | null }

/** A worker's first message: what was sent before may be lost. */
export const IS_LISTENING = 'listening'
/** The message that comes with a connection. */
export type ConnectionMessage = {
  readonly connection: { readonly id: number; readonly to: DoorName }
}
/** A worker's word that the connection with this id has come. */
export type TookMessage = { readonly took: number }

/** Forks a worker of this program; its output goes to `out`, line by line. */
export function forkWorker(out: {
  readonly stdout: Output
  readonly stderr: Output
}): WorkerProcess {
  const child = fork(fileURLToPath(new URL('worker-process.js', import.meta.url)), [], {
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    // JSON has no Infinity, and a configuration may.
    serialization: 'advanced',
  })
  forwardLines(child.stdout!, out.stdout)
  forwardLines(child.stderr!, out.stderr)
  // That a message cannot be sent is told by the end of the process.
  child.on('error', () => {})
  const listeners: ((message: unknown) => void)[] = []
  const handedOver = new HandedOver()
  const isListening = new Promise<void>((resolve) => {
    child.on('message', (message) => {
      if (message === IS_LISTENING) resolve()
      else if (typeof message === 'object' && 'took' in message) {
        handedOver.settle((message as TookMessage).took, true)
      } else for (const listener of listeners) listener(message)
    })
  })
  const ended = endOf(child)
  void ended.then(() => handedOver.settleAll(false))
  return {
    pid: child.pid!,
    port: {
      send: (message) => void isListening.then(() => child.send(message as object, () => {})),
      listen: (onMessage) => void listeners.push(onMessage),
    },
    handOver: async (to, socket) => {
      const { id, taken } = handedOver.begin()
      const message: ConnectionMessage = { connection: { id, to } }
      // Open on this side, too, until it is sure to be there.
      child.send(message, socket, { keepOpen: true }, (error) => {
        if (error !== null) handedOver.settle(id, false)
      })
      if (!(await taken)) return false
      socket.destroy()
      return true
    },
    release: () => {
      if (child.connected) child.disconnect()
    },
    kill: () => child.kill('SIGKILL'),
    ended,
  }
}

/** Not by the event `close`: Node leaves it out where it was this side that let go. */
async function endOf(child: ChildProcess): Promise<WorkerEnd> {
  const streams = [child.stdout!, child.stderr!].map((stream) => once(stream, 'close'))
  const [code, signal] = (await once(child, 'exit')) as [number | null, string | null]
  await Promise.all(streams)
  return { code, signal }
}
