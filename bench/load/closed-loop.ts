import type { Processes } from '../processes.ts'
import { answerBody, TARGET_PATH, type Work } from '../works.ts'

/** What one stretch of load did. */
export type LoadResult = {
  readonly requests: number
  readonly seconds: number
  readonly p50Ms: number
  readonly p99Ms: number
}

/** How hard, how long, and on which core. */
export type Load = {
  readonly work: Work
  readonly core: number
  /** Path of `post.lua`. */
  readonly script: string
  /** Path of a file with the body of a request. */
  readonly bodyFile: string
  /** A whole number: wrk takes no other. */
  readonly seconds: number
  /** The requests are spread over so many services. */
  readonly services: number
  /** The requests have the ids `<idPrefix>1`, `<idPrefix>2` … in the order of their sending. */
  readonly idPrefix: string
}

/**
 * Drives a port with wrk: closed loop, keep-alive, as fast as it answers.
 *
 * @throws when an answer was not 2xx or 3xx, a socket failed, or the answers were too short
 */
export async function driveClosedLoop(
  processes: Processes,
  port: number,
  load: Load,
): Promise<LoadResult> {
  const { work, core, script, bodyFile, seconds, services, idPrefix } = load
  const wrk = ['wrk', '-t1', `-c${work.connections}`, `-d${seconds}s`, '--latency', '-s', script]
  const target = [`http://127.0.0.1:${port}${TARGET_PATH}`, '--']
  const settings = [bodyFile, String(work.users), String(services), idPrefix]
  const stdout = await processes.run({ command: [...wrk, ...target, ...settings], core })
  const line = /^RESULT (.+)$/m.exec(stdout)?.[1]
  if (line === undefined) throw new Error(`wrk printed no result:\n${stdout}`)
  const result = JSON.parse(line) as Record<
    'requests' | 'durationMicros' | 'bytes' | 'errors' | 'badStatus' | 'p50Micros' | 'p99Micros',
    number
  >
  if (result.requests === 0 || result.errors > 0 || result.badStatus > 0) {
    throw new Error(`not every request was answered well: ${line}`)
  }
  const bytes = answerBody(work).length
  if (result.bytes < result.requests * bytes) {
    throw new Error(`answers of less than ${bytes} bytes: ${line}`)
  }
  return {
    requests: result.requests,
    seconds: result.durationMicros / 1e6,
    p50Ms: result.p50Micros / 1000,
    p99Ms: result.p99Micros / 1000,
  }
}
