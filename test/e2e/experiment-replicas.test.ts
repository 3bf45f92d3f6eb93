import t, { type Test } from 'tap'
import { readService, untilService } from './support/admin-api.ts'
import { storeOf } from './support/config.ts'
import { startLoad, type Load } from './support/load.ts'
import { seeded } from './support/seeded.ts'
import { runSerin, type SerinGateway } from './support/serin-process.ts'
import { startThreeWay } from './support/three-way.ts'
import { startTwoGateways } from './support/two-gateways.ts'
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

async function startTwo(t: Test) {
  const folder = t.testdir({})
  const service = await startThreeWay(t, seeded(9), '2s')
  return startTwoGateways(t, service, { folder, store: storeOf(folder) })
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
