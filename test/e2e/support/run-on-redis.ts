import { fileURLToPath } from 'node:url'
import type { Test } from 'tap'
import { startRedis } from '../../support/redis-server.ts'
import { REDIS_OF_SUITE } from './config.ts'

/** Runs suites of this folder, as they are, two at a time, with their stores in a Redis of their own. */
export async function runOnRedis(t: Test, suites: readonly string[]): Promise<void> {
  const redis = await startRedis(t, t.testdir({}))
  const env = { ...process.env, [REDIS_OF_SUITE]: `redis://127.0.0.1:${redis.port}/0` }
  t.jobs = 2
  const runs = suites.map((suite) => {
    const file = fileURLToPath(new URL(`../${suite}.test.js`, import.meta.url))
    // What is behind the file names the suite's folder, so that it is not that of the suite on LMDB.
    const args = ['--enable-source-maps', file, 'on-redis']
    const options = { env, timeout: 600_000, buffered: true }
    return t.spawn(process.execPath, args, options, `${suite}, on Redis`)
  })
  await Promise.all(runs)
}
