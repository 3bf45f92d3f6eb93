import { Worker } from 'node:worker_threads'
import type { Service } from '../domain/service.ts'
import type { ConfigResult } from './load.ts'
import type { Env } from './substitute-env.ts'

/** What the thread is to load. */
export type LoadOrder = { readonly file: string; readonly env: Env }

/** What it answers, one at a time: the result without its services, then some of these until there are none. */
export type LoadedPart = ConfigResult | readonly Service[]

/**
 * `loadConfig` on a thread of its own, so that whoever serves goes on serving: a file with a thousand services takes a
 * second to read. They are handed over a few at a time. Rejects where the thread cannot be started or fails.
 */
export async function loadConfigApart(file: string, env: Env): Promise<ConfigResult> {
  const order: LoadOrder = { file, env }
  const thread = new Worker(new URL('load-thread.js', import.meta.url), { workerData: order })
  try {
    const result = (await nextPart(thread)) as ConfigResult
    if (!result.ok) return result
    const services: Service[] = []
    for (;;) {
      const some = (await nextPart(thread)) as readonly Service[]
      if (some.length === 0) return { ...result, config: { ...result.config, services } }
      services.push(...some)
    }
  } finally {
    await thread.terminate()
  }
}

function nextPart(thread: Worker): Promise<LoadedPart> {
  return new Promise((resolve, reject) => {
    const hear = (part: LoadedPart) => {
      thread.off('error', reject).off('exit', end)
      resolve(part)
    }
    const end = () => reject(new Error('the thread that reads the configuration has ended'))
    thread.once('message', hear).once('error', reject).once('exit', end)
    thread.postMessage('next')
  })
}
