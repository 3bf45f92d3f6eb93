/** A worker as a process of its own: started by `forkWorker`, never by people. */
import { randomUUID } from 'node:crypto'
import type { Socket } from 'node:net'
import { createGateway } from '../gateway.ts'
import { HANDED_OVER, IS_LISTENING } from './fork-worker.ts'
import { runWorker } from './run-worker.ts'

// A terminal or a service manager tells all processes: the supervisor says what is to be done.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {})

runWorker({
  port: {
    // Where the supervisor is gone this process is about to end, too.
    send: (message) => void process.send!(message, undefined, undefined, () => {}),
    listen: (onMessage) =>
      process.on('message', (message) => {
        if (message !== HANDED_OVER) onMessage(message)
      }),
  },
  onSocket: (listener) =>
    process.on('message', (message, socket) => {
      // Its client may have left on the way.
      if (message === HANDED_OVER && socket !== undefined) listener(socket as Socket)
    }),
  createGateway,
  stdout: process.stdout,
  clock: { now: () => Date.now(), monotonic: () => performance.now() },
  draw: Math.random,
  newRequestId: randomUUID,
})
process.send!(IS_LISTENING)
