import t from 'tap'
import { readSample } from '../e2e/support/admin-api.ts'
import { seeded } from '../e2e/support/seeded.ts'
import { startSerin } from '../e2e/support/serin-process.ts'
import { until } from '../e2e/support/until.ts'
import { judgeGrowth, readResidentMib } from './support/resident-memory.ts'
import { readNumber } from './support/run-cases.ts'
import { runTaggedLoad } from './support/tagged-load.ts'
import { createUnrest } from './support/unrest.ts'

const MINUTES = readNumber('SERIN_SOAK_MINUTES', 60)
const SAMPLES = 400

t.test(`${MINUTES} minutes of faults leave memory flat and every answer right.`, async (t) => {
  t.setTimeout(MINUTES * 60_000 + 300_000)
  const seed = readNumber('SERIN_LOAD_SEED', Date.now() % 1_000_000_000)
  const unrest = await createUnrest(t, t.testdir({}), 0)
  const gateway = await startSerin(t, unrest.file)
  unrest.start(() => gateway.admin)
  const rss: number[] = []
  const sampling = setInterval(
    () => rss.push(readResidentMib(gateway.pid)),
    (MINUTES * 60_000) / SAMPLES,
  )
  t.teardown(() => clearInterval(sampling))
  const end = performance.now() + MINUTES * 60_000
  const { sent, right, explained, wrong } = await runTaggedLoad({
    data: () => gateway.data,
    concurrency: 16,
    draw: seeded(seed),
    goesOn: () => performance.now() < end,
    surroundings: ({ from, to }) => ({ isUpstreamUp: unrest.wereUp(from, to), isGatewayUp: true }),
  })
  clearInterval(sampling)
  t.same(await unrest.stop(), [], 'every reload was taken')
  const { secondMib, lastMib, mostMib } = judgeGrowth(rss)
  t.comment(`seed ${seed}: ${sent} sent, ${right} right, explained ${JSON.stringify(explained)}`)
  t.comment(`${unrest.reloads()} reloads, ${unrest.restarts()} restarts of an upstream`)
  t.comment(`RSS in MiB: second quarter ${secondMib.toFixed(1)}, last ${lastMib.toFixed(1)}`)
  t.same(wrong, [], 'not one answer lost or wrong')
  t.ok(right > sent / 2, 'most of them are right')
  t.ok(lastMib <= mostMib, `${lastMib.toFixed(1)} MiB, at most ${mostMib.toFixed(1)}`)
  const inFlight = () => readSample(gateway.admin, 'serin_in_flight')
  t.ok(await until('nothing is in flight', async () => (await inFlight()) === 0, 30_000))
  t.match(await gateway.stop(), { code: 0, stderr: '' })
  t.same(
    gateway.logs().filter(({ level }) => (level as number) >= 50),
    [],
    'nothing went wrong inside',
  )
})
