import cluster from 'node:cluster'
import type { Socket } from 'node:net'
import { fileURLToPath } from 'node:url'
import type { Port } from './dialogue.ts'
import { forwardLines, type Output } from './forward-lines.ts'

/** The message that comes with a connection. */
export const HANDED_OVER = 'connection'
/** A worker's first message: what was sent before is lost. */
export const IS_LISTENING = 'listening'

/** A process of a worker. */
export type WorkerProcess = {
  readonly pid: number
  readonly port: Port
  /** Hands it a connection that was accepted here and not read from; it is closed where that fails. */
  readonly handOver: (socket: Socket) => void
  /** Lets go of it: it ends by itself. */
  readonly release: () => void
  /** Ends it at once (SIGKILL). */
  readonly kill: () => void
  /** Resolves when it has ended and all of its output is written. */
  readonly ended: Promise<WorkerEnd>
}

/** How a process ended: by its exit code, or by a signal. */
export type WorkerEnd = { readonly code: number | null; readonly signal: string | null }

/**
 * Forks a worker of this program; its output goes to `out`, line by line. Connections to a port on which
 * workers listen are accepted by this process and given to them in turn (see adr/0007).
 */
export function forkWorker(out: {
  readonly stdout: Output
  readonly stderr: Output
}): WorkerProcess {
  cluster.schedulingPolicy = cluster.SCHED_RR
  cluster.setupPrimary({
    exec: fileURLToPath(new URL('worker-process.js', import.meta.url)),
    args: [],
    silent: true,
    // JSON has no Infinity, and a configuration may.
    serialization: 'advanced',
  })
  const worker = cluster.fork()
  const child = worker.process
  forwardLines(child.stdout!, out.stdout)
  forwardLines(child.stderr!, out.stderr)
  const send = (message: unknown, socket?: Socket) => {
    child.send(message as string, socket, undefined, (error) => {
      if (error !== null) socket?.destroy()
    })
  }
  const isListening = new Promise<void>((resolve) => {
    child.on('message', (message) => {
      if (message === IS_LISTENING) resolve()
    })
  })
  // That a message cannot be sent is told by the end of the process.
  child.on('error', () => {})
  return {
    pid: child.pid!,
    port: {
      send: (message) => void isListening.then(() => send(message)),
      listen: (onMessage) =>
        child.on('message', (message) => {
          if (message !== IS_LISTENING) onMessage(message)
        }),
    },
    handOver: (socket) => send(HANDED_OVER, socket),
    release: () => {
      if (child.connected) child.disconnect()
    },
    kill: () => child.kill('SIGKILL'),
    ended: new Promise((resolve) => {
      child.once('close', (code, signal) => resolve({ code, signal }))
    }),
  }
}
