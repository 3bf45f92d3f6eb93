import { fork } from 'node:child_process'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { pino } from 'pino'
import type { AdminDeps } from '../src/admin/admin-deps.ts'
import { createAdminServer } from '../src/admin/admin-plugin.ts'
import type { SinglePosted, SinglePosts } from './load/single-poster.ts'

/** The admin API of this process, and a process beside it that posts one line at a time. */
export type SingleLabels = {
  /** Posts each body once over so many connections that stay open; resolves with the seconds that it took. */
  readonly post: (bodies: readonly string[], connections: number) => Promise<number>
  readonly close: () => Promise<void>
}

/** Opens the admin API, of which feedback alone is asked, and starts the other process: its CPU is not this one's. */
export async function createSingleLabels(feedback: AdminDeps['feedback']): Promise<SingleLabels> {
  const clock = { now: Date.now, monotonic: () => performance.now() }
  const deps = {
    clock,
    feedback,
    log: pino({ level: 'silent' }),
  } as Partial<AdminDeps> as AdminDeps
  const admin = createAdminServer(deps, { listen: { host: '127.0.0.1', port: 0 }, tokens: [] })
  await admin.listen({ host: '127.0.0.1', port: 0 })
  const { port } = admin.server.address() as AddressInfo
  const poster = fork(join(import.meta.dirname, 'load/single-poster.js'))
  const ended = once(poster, 'exit').then(() => {
    throw new Error('the process that posts has ended')
  })
  // Its end is no matter once nobody waits for it.
  ended.catch(() => {})
  return {
    post: async (bodies, connections) => {
      const posts: SinglePosts = { port, connections, bodies }
      poster.send(posts)
      const [posted] = (await Promise.race([once(poster, 'message'), ended])) as [SinglePosted]
      return posted.seconds
    },
    close: async () => {
      poster.disconnect()
      admin.server.closeAllConnections()
      await admin.close()
    },
  }
}
