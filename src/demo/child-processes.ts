import { fork, spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import type { ModelProcessMessage, ModelProcessPlan } from './model-process.ts'

/** A model process that has trained its model and listens. */
export type ModelProcess = { readonly port: number; readonly offlineRmse: number }

const STOP_GRACE_MS = 8000

/**
 * The processes of one demo. Whatever happens, `close` ends them all; `onLost` hears of one that ended
 * by itself.
 */
export class ChildProcesses {
  readonly #children = new Map<ChildProcess, string>()
  readonly #onLost: (sentence: string) => void
  #closing = false
  readonly #killAll = (): void => {
    for (const child of this.#children.keys()) child.kill('SIGKILL')
  }

  constructor(onLost: (sentence: string) => void) {
    this.#onLost = onLost
    // The last resort where nobody gets to call close(): an uncaught error ends the parent.
    process.once('exit', this.#killAll)
  }

  /** Starts a model process; resolves when it listens, rejects when it ends before. */
  startModel(
    entry: string,
    plan: ModelProcessPlan,
    onFault: (at: number) => void,
  ): Promise<ModelProcess> {
    const label = `the model server of ${plan.name} ${plan.version}`
    const child = fork(entry, [JSON.stringify(plan)], {
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      execArgv: [],
    })
    const lastWords = collectTail(child)
    let isUp = false
    this.#track(child, label, () => isUp)
    return new Promise((resolve, reject) => {
      child.once('error', reject)
      child.once('exit', () => reject(new Error(`${label} did not start: ${lastWords()}`)))
      child.on('message', (message: ModelProcessMessage) => {
        if (message.type === 'fault') return onFault(message.at)
        isUp = true
        resolve(message)
      })
    })
  }

  /** Starts `node <args>` with its output in a log file. */
  startNode(label: string, args: readonly string[], logFile: string): void {
    const log = openSync(logFile, 'a')
    const child = spawn(process.execPath, args, { stdio: ['ignore', log, log] })
    closeSync(log)
    child.once('error', (error) => this.#onLost(`${label} did not start: ${error.message}`))
    this.#track(child, label, () => true)
  }

  /** Ends every process, first kindly, and resolves when all are gone. May be called twice. */
  async close(): Promise<void> {
    this.#closing = true
    await Promise.all([...this.#children.keys()].map(stop))
    process.removeListener('exit', this.#killAll)
  }

  // Who ends before it was up is reported by whoever waits for it.
  #track(child: ChildProcess, label: string, isUp: () => boolean): void {
    this.#children.set(child, label)
    child.once('exit', (code, signal) => {
      this.#children.delete(child)
      if (this.#closing || !isUp()) return
      this.#onLost(`${label} ended by itself (${signal ?? `exit code ${code}`})`)
    })
    // Between a started close() and this line a child may have been born: it ends at once.
    if (this.#closing) child.kill('SIGKILL')
  }
}

function stop(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => child.kill('SIGKILL'), STOP_GRACE_MS)
    child.once('exit', () => {
      clearTimeout(timer)
      resolve()
    })
    child.kill('SIGTERM')
  })
}

/** The last 2,000 characters of what a child wrote to its stderr. */
function collectTail(child: ChildProcess): () => string {
  let tail = ''
  child.stderr!.setEncoding('utf8')
  child.stderr!.on('data', (text: string) => {
    tail = (tail + text).slice(-2000)
  })
  return () => tail.trim()
}
