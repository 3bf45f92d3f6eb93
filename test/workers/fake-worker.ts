import type { Socket } from 'node:net'
import { createDialogue, type Dialogue, type Port } from '../../src/workers/dialogue.ts'
import type { DoorName, WorkerEnd, WorkerProcess } from '../../src/workers/fork-worker.ts'
import type { SupervisorApi, WorkerApi } from '../../src/workers/worker-api.ts'

/** A worker without a process: it answers as the test wants, and ends when told to. */
export type FakeWorker = {
  readonly process: WorkerProcess
  /** What it was asked, in order. */
  readonly asked: string[]
  /** Questions to its supervisor. */
  readonly supervisor: Dialogue<SupervisorApi>
  /** Connections that it was handed, by port. */
  readonly taken: { readonly to: DoorName; readonly socket: Socket }[]
  readonly end: (end: WorkerEnd) => void
}

/** Two ends of a pipe. */
export function pipe(): readonly [Port, Port] {
  const listeners: ((message: unknown) => void)[][] = [[], []]
  const end = (mine: number): Port => ({
    send: (message) =>
      setImmediate(() => {
        for (const listener of listeners[1 - mine]!) listener(structuredClone(message))
      }),
    listen: (onMessage) => void listeners[mine]!.push(onMessage),
  })
  return [end(0), end(1)]
}

/** Creates one; what `answers` leaves out succeeds and says nothing. */
export function createFakeWorker(pid: number, answers: Partial<WorkerApi> = {}): FakeWorker {
  const asked: string[] = []
  const taken: FakeWorker['taken'] = []
  const [here, there] = pipe()
  let end: (end: WorkerEnd) => void
  const ended = new Promise<WorkerEnd>((resolve) => (end = resolve))
  const all: WorkerApi = {
    start: async () => ({ holder: `host:${pid}` }),
    prepare: async () => ({ ok: true }),
    take: async () => ({ changes: ['changed'], waiting: [] }),
    discard: async () => {},
    snapshot: async () => null,
    figures: async () => ({}),
    abort: async () => {},
    succeed: async () => {},
    beat: async () => {},
    drain: async () => {},
    close: async () => {},
    ...answers,
  }
  const noting = Object.fromEntries(
    Object.entries(all).map(([what, answer]) => [
      what,
      (...given: never[]) => {
        asked.push(what)
        return (answer as (...given: never[]) => Promise<unknown>)(...given)
      },
    ]),
  )
  const supervisor = createDialogue<SupervisorApi>(there, noting)
  return {
    process: {
      pid,
      port: here,
      handOver: async (to, socket) => {
        taken.push({ to, socket })
        return true
      },
      release: () => end({ code: 0, signal: null }),
      kill: () => end({ code: null, signal: 'SIGKILL' }),
      ended,
    },
    asked,
    supervisor,
    taken,
    end: (how) => end(how),
  }
}
