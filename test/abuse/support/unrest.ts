import { setTimeout as delay } from 'node:timers/promises'
import type { Test } from 'tap'
import { askAdmin } from '../../e2e/support/admin-api.ts'
import { buildConfig, buildFixedService } from '../../e2e/support/config.ts'
import { writeConfig } from '../../e2e/support/serin-process.ts'
import { startTaggedUpstream } from './tagged-upstream.ts'

/** A service whose upstreams restart and whose weights change while it is used. */
export type Unrest = {
  /** The configuration file. */
  readonly file: string
  readonly reloads: () => number
  readonly restarts: () => number
  /** Whether both upstreams were up all the time between two moments. */
  readonly wereUp: (from: number, to: number) => boolean
  /** Begins: a reload with other weights every second, and a restart of one upstream every few. */
  readonly start: (admin: () => string | null) => void
  /** Ends; gives the reloads that were refused. */
  readonly stop: () => Promise<readonly string[]>
}

const RELOAD_MS = 1_000
const RESTART_MS = 2_500
const AWAY_MS = 150

/** Starts two upstreams and writes the configuration of a gateway in front of them. */
export async function createUnrest(t: Test, folder: string, port: number): Promise<Unrest> {
  const upstreams = [await startTaggedUpstream(), await startTaggedUpstream()] as const
  t.teardown(() => Promise.all(upstreams.map((upstream) => upstream.close())))
  const origins = { baseline: upstreams[0].origin, canary: upstreams[1].origin }
  let reloads = 0
  let restarts = 0
  const write = () => {
    const weights = { canary: `${10 + ((reloads * 7) % 80)}%` }
    const service = buildFixedService(origins, { key: 'body:/user', weights })
    const gateway = { listen: `127.0.0.1:${port}`, drain: DRAIN }
    return writeConfig(folder, buildConfig(folder, { m: service }, { gateway }))
  }
  const file = write()
  const refused: string[] = []
  const ending = new AbortController()
  const repeat = async (ms: number, act: () => Promise<void>) => {
    while (!ending.signal.aborted) {
      await delay(ms, undefined, { signal: ending.signal }).catch(() => {})
      if (!ending.signal.aborted) await act()
    }
  }
  let running: readonly Promise<void>[] = []
  return {
    file,
    reloads: () => reloads,
    restarts: () => restarts,
    wereUp: (from, to) => upstreams.every((upstream) => upstream.wasUp(from, to)),
    start: (admin) => {
      running = [
        repeat(RELOAD_MS, async () => {
          const origin = admin()
          if (origin === null) return
          reloads++
          write()
          const answer = await askAdmin(origin, '/api/v1/reload', { method: 'POST', body: {} })
          if (answer.status !== 200) refused.push(`${answer.status} ${answer.text}`)
        }),
        repeat(RESTART_MS, async () => {
          await upstreams[restarts++ % 2]!.restart(AWAY_MS)
        }),
      ]
    },
    stop: async () => {
      ending.abort()
      await Promise.all(running)
      return refused
    },
  }
}

const DRAIN = { wait: '500ms', deadline: '20s', streams: '20s' }
