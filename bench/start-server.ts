import type { ChildProcess } from 'node:child_process'
import type { Launch, Processes } from './processes.ts'
import { answerBody, requestBody, TARGET_PATH, type Work } from './works.ts'

const READY_WITHIN_MS = 20_000

/**
 * Starts a server and waits until it answers on its port as it should: the right status, the right bytes,
 * and the marker header where there is one.
 *
 * @throws when it ends, or does not answer so within 20 s
 */
export async function startServer(
  processes: Processes,
  launch: Omit<Launch, 'stdio'>,
  expected: { readonly port: number; readonly work: Work; readonly marker: string | null },
): Promise<ChildProcess> {
  const child = processes.start(launch)
  let complaints = ''
  child.stderr!.on('data', (chunk: Buffer) => {
    complaints = (complaints + chunk.toString()).slice(-2000)
  })
  const deadline = Date.now() + READY_WITHIN_MS
  for (;;) {
    const wrong = await askOnce(expected)
    if (wrong === null) return child
    if (child.exitCode !== null || Date.now() > deadline) {
      await processes.stop(child)
      throw new Error(`${launch.command.join(' ')}: ${wrong}\n${complaints}`)
    }
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

/** What is wrong with the answer to one request; null = nothing. */
async function askOnce(expected: Parameters<typeof startServer>[2]): Promise<string | null> {
  const { port, work, marker } = expected
  try {
    const answer = await fetch(`http://127.0.0.1:${port}${TARGET_PATH}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-user-id': 'probe' },
      body: requestBody(work),
      signal: AbortSignal.timeout(5000),
    })
    const body = await answer.text()
    if (answer.status !== 200) return `answered ${answer.status}: ${body.slice(0, 200)}`
    if (body !== answerBody(work)) return `answered other bytes: ${body.slice(0, 200)}`
    if (marker !== null && !answer.headers.has(marker)) return `answered without ${marker}`
    return null
  } catch (error) {
    return `did not answer: ${String(error)} ${String((error as Error).cause ?? '')}`
  }
}
