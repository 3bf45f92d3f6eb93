import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { readSample, readService, untilService } from './support/admin-api.ts'
import { buildConfig, storeOf } from './support/config.ts'
import { startLoad, type Load } from './support/load.ts'
import { startModel } from './support/model-server.ts'
import { seeded } from './support/seeded.ts'
import { runSerin, startSerin, writeConfig, type SerinGateway } from './support/serin-process.ts'
import { until } from './support/until.ts'

t.test('A keyed experiment on one store is judged by who does not decide.', testExperiment)

/** Users come to the gateway that follows, then others to both; labels go to both. */
async function testExperiment(t: Test): Promise<void> {
  t.setTimeout(120_000)
  const { first, second } = await startTwo(t)
  const users = comeTo(t, second, [first, second], 5)
  await untilService(first.admin, 'm', 'one is known', ({ comparisons }) =>
    comparisons.some((c) => c.variant === 'small' && c.verdict === 'worse'),
  )
  await until('many are judged', async () => (await judgedOf(first)) > 1000)
  await users.stop()
  const { variants } = await readService(first.admin, 'm')
  for (const { requests } of Object.values(variants)) t.equal(requests, 0, 'who decides has none')
  t.ok(users.tally.labels.joined > 500, JSON.stringify(users.tally.labels))

  // The same ones come to both at once: each is judged by whoever asks first.
  const both = [first, second].map((to) => comeTo(t, to, [first, second], 6))
  await until('many have come', () => both.every(({ tally }) => tally.sent > 1200))
  await Promise.all(both.map((load) => load.stop()))
  const judged = await untilStill(first)
  const known = usersOf(users) + Math.max(...both.map(usersOf))
  t.ok(judged > 0.8 * known, `${judged} of ${known} users`)
  t.ok(judged <= known, `${judged} of ${known} users`)

  const promoted = await runSerin(t, ['promote', 'm', 'large', '--admin', first.admin])
  t.match(promoted.stdout, /large \(2-large\) gets all of the traffic/)
  await untilService(second.admin, 'm', 'it is served', ({ weights }) => weights['large'] === 100)
}

/** Keys that are judged, over all variants. */
async function judgedOf({ admin }: SerinGateway): Promise<number> {
  const { comparisons } = await readService(admin, 'm')
  const challengers = comparisons.reduce((sum, { units }) => sum + units.challenger, 0)
  return challengers + comparisons[0]!.units.baseline
}

/** The same, when it has not changed for some seconds: all that was served is counted. */
async function untilStill(gateway: SerinGateway): Promise<number> {
  let [judged, since] = [-1, 0]
  await until('all is counted', async () => {
    const now = await judgedOf(gateway)
    if (now !== judged) [judged, since] = [now, performance.now()]
    return performance.now() - since > 4000
  })
  return judged
}

function usersOf({ tally }: Load): number {
  return Math.ceil(tally.sent / 2)
}

/** Two gateways, of which the first one decides. */
async function startTwo(t: Test) {
  const store = storeOf(t.testdir({}))
  const draw = seeded(9)
  const [old, small, large] = await Promise.all([
    startModel(t, draw, { error: 4, failures: 0 }),
    startModel(t, draw, { error: 4, failures: 0.4 }),
    startModel(t, draw, { error: 1, failures: 0 }),
  ])
  const service = {
    match: { path: '/m/*' },
    variants: {
      baseline: { version: '1', upstreams: [old.origin] },
      small: { version: '2-small', upstreams: [small.origin] },
      large: { version: '2-large', upstreams: [large.origin] },
    },
    split: { key: 'header:x-user-id', weights: { small: '20%', large: '40%' } },
    observe: { prediction: 'body:/outputs/0/data/0' },
    analysis: {
      interval: '500ms',
      warmUp: 0,
      metrics: {
        errors: { kind: 'error-rate', maxIncrease: '0%', floor: '2%' },
        rmse: { kind: 'rmse', maxIncrease: '5%', labelWindow: '2s', minLabels: 100, cap: 50 },
      },
    },
  }
  const start = (name: string) => {
    const folder = join(t.testdirName, name)
    mkdirSync(folder)
    return startSerin(t, writeConfig(folder, buildConfig(folder, { m: service }, { store })))
  }
  const first = await start('first')
  await until('it decides', async () => (await readSample(first.admin, 'serin_leader')) === 1)
  const second = await start('second')
  await until('both are known', async () => (await readSample(first.admin, 'serin_replicas')) === 2)
  return { first, second }
}

/** Users, each with two requests, and their labels by turns to these gateways; always the same for the same seed. */
function comeTo(t: Test, to: SerinGateway, tell: readonly SerinGateway[], seed: number): Load {
  let n = 0
  return startLoad(t, {
    data: () => to.data,
    admin: () => tell[n++ % tell.length]!.admin,
    path: '/m/infer',
    concurrency: 8,
    perSecond: 400,
    perUser: 2,
    sayAfterMs: 300,
    draw: seeded(seed),
  })
}
