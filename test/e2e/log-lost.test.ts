import { spawn, spawnSync, type StdioOptions } from 'node:child_process'
import { openSync } from 'node:fs'
import { request } from 'undici'
import t, { type Test } from 'tap'
import { freePort } from '../support/free-port.ts'
import { PROGRAM } from '../support/program.ts'
import { askAdmin, readSample } from './support/admin-api.ts'
import { buildConfig, buildFixedService } from './support/config.ts'
import { startModel } from './support/model-server.ts'
import { seeded } from './support/seeded.ts'
import { writeConfig } from './support/serin-process.ts'
import { until } from './support/until.ts'

/** Starts a gateway that writes all requests to a log which nobody can be told of. */
async function startWith(t: Test, stdout: number | 'pipe', workers: number) {
  const folder = t.testdir({})
  const model = await startModel(t, seeded(8), { error: 1, failures: 0 })
  const { origin } = model
  const [data, admin] = [await freePort(), await freePort()]
  const config = buildConfig(
    folder,
    { m: buildFixedService({ baseline: origin, canary: origin }, { weights: { canary: '50%' } }) },
    {
      gateway: {
        ...{ listen: `127.0.0.1:${data}`, workers, log: { access: { sample: '100%' } } },
        drain: { wait: 0, deadline: '2s', streams: '2s' },
      },
      admin: { listen: `127.0.0.1:${admin}` },
    },
  )
  const stdio: StdioOptions = ['ignore', stdout, 'pipe']
  const child = spawn(process.execPath, [PROGRAM, 'serve', '-c', writeConfig(folder, config)], {
    stdio,
  })
  let stderr = ''
  child.stderr!.setEncoding('utf8').on('data', (text: string) => (stderr += text))
  const ended = new Promise((resolve) =>
    child.once('exit', (code, signal) => resolve({ code, signal })),
  )
  t.teardown(async () => {
    child.kill('SIGKILL')
    await ended
  })
  const at = `http://127.0.0.1:${admin}`
  await until('the gateway is ready', async () => {
    if (child.exitCode !== null) throw new Error(`it ended with ${child.exitCode}: ${stderr}`)
    return askAdmin(at, '/readyz').then(
      ({ status }) => status === 200,
      () => false,
    )
  })
  return {
    stdout: child.stdout,
    lost: () => readSample(at, 'serin_log_lines_lost_total', ''),
    /** Sends requests, whose paths are as long as that, and resolves with the statuses that were seen. */
    send: async (count: number, pathLength: number) => {
      const seen = new Set<number>()
      for (let i = 0; i < count; i++) {
        const path = `/m/${'x'.repeat(pathLength)}`
        const answer = await request(`http://127.0.0.1:${data}${path}`, {
          method: 'POST',
          body: '{"x": 50}',
        })
        await answer.body.dump()
        seen.add(answer.statusCode)
      }
      return [...seen]
    },
    stop: async () => {
      child.kill('SIGTERM')
      return { ...((await ended) as object), stderr }
    },
  }
}

t.test(
  'A command whose words cannot be written ends with 1 and says so in one line.',
  process.platform === 'linux' ? {} : { skip: 'only Linux has a full disk at hand' },
  async (t) => {
    const stdio: StdioOptions = ['ignore', openSync('/dev/full', 'w'), 'pipe']
    const { status, stderr } = spawnSync(process.execPath, [PROGRAM, '--help'], { stdio })
    t.equal(status, 1)
    t.match(
      stderr.toString(),
      /^serin: what there is to say cannot be written: ENOSPC: no space left on device, write\n$/,
    )
  },
)

const CLEAN = { code: 0, signal: null, stderr: '' }

for (const workers of [1, 2]) {
  const options = process.platform === 'linux' ? {} : { skip: 'only Linux has a full disk at hand' }
  t.test(
    `A full disk under the log of ${workers} ends nothing; lines are lost and counted.`,
    options,
    async (t) => {
      const gateway = await startWith(t, openSync('/dev/full', 'w'), workers)
      const before = await gateway.lost()
      t.ok(before >= 1, 'that it listens')
      t.same(await gateway.send(20, 1), [200])
      await until('all are counted', async () => (await gateway.lost()) >= before + 20)
      t.same(await gateway.stop(), CLEAN)
    },
  )

  t.test(`A log of ${workers} whose reader has gone ends nothing either.`, async (t) => {
    const gateway = await startWith(t, 'pipe', workers)
    gateway.stdout!.destroy()
    t.same(await gateway.send(20, 1), [200])
    await until('all are counted', async () => (await gateway.lost()) >= 20)
    t.same(await gateway.stop(), CLEAN)
  })

  t.test(`A log of ${workers} that nobody reads keeps no gateway that is stopped.`, async (t) => {
    const gateway = await startWith(t, 'pipe', workers)
    // More than the pipe takes, and what Node reads of it before anybody asks.
    t.same(await gateway.send(100, 8_000), [200])
    t.same(await gateway.stop(), CLEAN)
  })
}
