import type { Socket } from 'node:net'
import { createDialogue, type Dialogue } from './dialogue.ts'
import type { DoorName, WorkerEnd, WorkerProcess } from './fork-worker.ts'
import type { SupervisorApi, WorkerApi, WorkerStart, WorkerStarted } from './worker-api.ts'

/** Where a worker stands. */
export type WorkerState = 'empty' | 'starting' | 'serving' | 'draining'

/** One of the numbered places of the workers: processes come and go, the place stays. */
export class WorkerPlace {
  /** Counts from 1. */
  readonly number: number
  state: WorkerState = 'empty'
  /** Whether the process decides on the rollouts. */
  leads = false
  /** The process's name in the lease; null before it listens. */
  holder: string | null = null
  /** Monotonic ms at which the process listened. */
  servesSince = 0
  /** Starts in a row after which the process did not run for a while. */
  failures = 0
  #process: WorkerProcess | null = null
  #dialogue: Dialogue<WorkerApi> | null = null
  /** Beats since the process answered one. */
  #missed = 0

  constructor(number: number) {
    this.number = number
  }

  get pid(): number | null {
    return this.#process?.pid ?? null
  }

  /**
   * Starts a process in this place; rejects when it ends or fails before it listens. `onEnd` hears of its
   * end, whenever that is.
   */
  async start(
    process: WorkerProcess,
    given: Omit<WorkerStart, 'number'>,
    answers: SupervisorApi,
    onEnd: (end: WorkerEnd) => void,
  ): Promise<WorkerStarted> {
    const dialogue = createDialogue<WorkerApi>(process.port, answers)
    this.#process = process
    this.#dialogue = dialogue
    this.state = 'starting'
    this.#missed = 0
    void process.ended.then((end) => {
      const why = new Error(`worker ${this.number} ${describeEnd(end)}`)
      this.state = 'empty'
      this.#process = null
      this.#dialogue = null
      dialogue.close(why)
      onEnd(end)
    })
    return dialogue.ask('start', { ...given, number: this.number })
  }

  /** Asks the process; rejects when there is none, or it ends before its answer. */
  ask<K extends keyof WorkerApi>(
    what: K,
    ...given: Parameters<WorkerApi[K]>
  ): ReturnType<WorkerApi[K]> {
    if (this.#dialogue !== null) return this.#dialogue.ask(what, ...given)
    const error = new Error(`worker ${this.number} is not running`)
    return Promise.reject(error) as ReturnType<WorkerApi[K]>
  }

  /** Asks the process whether it is there; tells how many beats in a row it has not answered, this one included. */
  beat(): number {
    const dialogue = this.#dialogue
    // It ends, and that is told elsewhere.
    const noAnswer = () => {}
    dialogue?.ask('beat').then(() => {
      if (this.#dialogue === dialogue) this.#missed = 0
    }, noAnswer)
    this.#missed += 1
    return this.#missed
  }

  /** Hands its process a connection; false = it ended before it had it. */
  handOver(to: DoorName, socket: Socket): Promise<boolean> {
    return this.#process?.handOver(to, socket) ?? Promise.resolve(false)
  }

  /** Ends the process at once; resolves when it is gone. */
  async kill(): Promise<void> {
    const process = this.#process
    process?.kill()
    await process?.ended
  }

  /** Lets a process end that has closed everything; resolves when it is gone. */
  async release(): Promise<void> {
    const process = this.#process
    process?.release()
    await process?.ended
  }
}

/** How a process ended, in words that follow its name. */
export function describeEnd({ code, signal }: WorkerEnd): string {
  return signal === null ? `ended with exit code ${code}` : `was ended by ${signal}`
}
