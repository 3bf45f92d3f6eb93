import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { ANSWER_BODY, REQUEST_BODY, TARGET_PATH } from './payload.ts'

const READY_WITHIN_MS = 20_000
const STOPPED_WITHIN_MS = 10_000

/** A server in a process of its own, bound to one core. */
export type PinnedProcess = { readonly pid: number; readonly close: () => Promise<void> }

/**
 * Starts a server under `taskset` and waits until it answers on its port as it should: the right
 * status, the right bytes, and the marker header where there is one.
 *
 * @throws when it ends, or does not answer so within 20 s
 */
export async function startPinned(options: {
  readonly command: readonly string[]
  readonly core: number
  readonly port: number
  readonly marker: string | null
  readonly env?: Readonly<Record<string, string>>
}): Promise<PinnedProcess> {
  // taskset replaces itself by the command, so the child's pid is the server's.
  const child = spawn('taskset', ['-c', String(options.core), ...options.command], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, NODE_ENV: 'production', ...options.env },
  })
  let complaints = ''
  child.stderr.on('data', (chunk: Buffer) => {
    complaints = (complaints + chunk.toString()).slice(-2000)
  })
  const close = () => stop(child)
  const deadline = Date.now() + READY_WITHIN_MS
  for (let wrong = await askOnce(options.port, options.marker); wrong !== null;) {
    if (child.exitCode !== null || Date.now() > deadline) {
      await close()
      throw new Error(`${options.command.join(' ')}: ${wrong}\n${complaints}`)
    }
    await new Promise((resolve) => setTimeout(resolve, 50))
    wrong = await askOnce(options.port, options.marker)
  }
  return { pid: child.pid!, close }
}

/** What is wrong with the answer to one request; null = nothing. */
async function askOnce(port: number, marker: string | null): Promise<string | null> {
  try {
    const answer = await fetch(`http://127.0.0.1:${port}${TARGET_PATH}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-user-id': 'probe' },
      body: REQUEST_BODY,
      signal: AbortSignal.timeout(2000),
    })
    const body = await answer.text()
    if (answer.status !== 200) return `answered ${answer.status}: ${body.slice(0, 200)}`
    if (body !== ANSWER_BODY) return `answered other bytes: ${body.slice(0, 200)}`
    if (marker !== null && !answer.headers.has(marker)) return `answered without ${marker}`
    return null
  } catch (error) {
    return `did not answer: ${String(error)}`
  }
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const gone = once(child, 'exit')
  child.kill('SIGTERM')
  const timer = setTimeout(() => child.kill('SIGKILL'), STOPPED_WITHIN_MS)
  await gone
  clearTimeout(timer)
}
