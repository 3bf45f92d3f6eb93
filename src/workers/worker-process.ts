/** A worker as a process of its own: started by `forkWorker`, never by people. */
import { randomUUID } from 'node:crypto'
import type { Socket } from 'node:net'
import { performance } from 'node:perf_hooks'
import { createGateway } from '../gateway.ts'
import { keepGarbageYoung } from '../keep-garbage-young.ts'
import { keepTicksFast } from '../keep-ticks-fast.ts'
import { letHelpersYield } from '../let-helpers-yield.ts'
import { openLogOutput } from '../log-output.ts'
import { IS_LISTENING, type ConnectionMessage, type TookMessage } from './fork-worker.ts'
import { runWorker } from './run-worker.ts'

keepGarbageYoung()
keepTicksFast()
letHelpersYield()

// A terminal or a service manager tells all processes: the supervisor says what is to be done.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {})
// Without a supervisor nobody accepts connections, and nobody would end this process.
process.on('disconnect', () => process.exit())

// Where the supervisor is gone this process is about to end, too.
const send = (message: unknown) => void process.send!(message, undefined, undefined, () => {})
const isConnection = (message: unknown): message is ConnectionMessage =>
  typeof message === 'object' && message !== null && 'connection' in message

runWorker({
  port: {
    send,
    listen: (onMessage) =>
      process.on('message', (message) => {
        if (!isConnection(message)) onMessage(message)
      }),
  },
  onConnection: (listener) =>
    process.on('message', (message, socket) => {
      if (!isConnection(message)) return
      send({ took: message.connection.id } satisfies TookMessage)
      // Its client may have left on the way.
      if (socket !== undefined) listener(message.connection.to, socket as Socket)
    }),
  createGateway,
  output: openLogOutput(process.stdout, 1),
  clock: { now: () => Date.now(), monotonic: () => performance.now() },
  draw: Math.random,
  newRequestId: randomUUID,
})
send(IS_LISTENING)
