import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { PAYLOAD_BYTES, REQUEST_BODY, TARGET_PATH } from './payload.ts'

/** What one stretch of load did. */
export type LoadResult = {
  readonly requests: number
  readonly seconds: number
  readonly p50Ms: number
  readonly p99Ms: number
}

/** How hard, how long, and on which core; `script` is the path of `post.lua`. */
export type Load = {
  readonly script: string
  readonly core: number
  readonly connections: number
  readonly seconds: number
}

/**
 * Drives a port with wrk: closed loop, keep-alive, as fast as it answers.
 *
 * @throws when an answer was not 2xx or 3xx, a socket failed, or the answers were too short
 */
export async function driveLoad(port: number, load: Load): Promise<LoadResult> {
  const pinned = ['-c', String(load.core), 'wrk', '-t1', `-c${load.connections}`]
  const script = [`-d${load.seconds}s`, '--latency', '-s', load.script]
  const target = [`http://127.0.0.1:${port}${TARGET_PATH}`, '--', REQUEST_BODY]
  const { stdout } = await promisify(execFile)('taskset', [...pinned, ...script, ...target])
  const line = /^RESULT (.+)$/m.exec(stdout)?.[1]
  if (line === undefined) throw new Error(`wrk printed no result:\n${stdout}`)
  const result = JSON.parse(line) as Record<
    'requests' | 'durationMicros' | 'bytes' | 'errors' | 'badStatus' | 'p50Micros' | 'p99Micros',
    number
  >
  if (result.requests === 0 || result.errors > 0 || result.badStatus > 0) {
    throw new Error(`not every request was answered well: ${line}`)
  }
  if (result.bytes < result.requests * PAYLOAD_BYTES) {
    throw new Error(`answers of less than ${PAYLOAD_BYTES} bytes: ${line}`)
  }
  return {
    requests: result.requests,
    seconds: result.durationMicros / 1e6,
    p50Ms: result.p50Micros / 1000,
    p99Ms: result.p99Micros / 1000,
  }
}
