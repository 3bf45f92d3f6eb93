import t from 'tap'
import { ExperimentWorld, threeWay } from '../fakes/experiment-world.ts'
import { startTwo } from '../fakes/experiment-processes.ts'
import { TOKENS } from '../fakes/simulated-service.ts'

const QUIET = () => ({})

t.test('numbers of streams count that end within 30 s, and later ones are missing', async (t) => {
  const world = await ExperimentWorld.begin(threeWay([{ ...TOKENS, cap: 5000 }]))
  await world.run(20, () => ({ numbers: { '/tokens': 900 } }), 100)
  await world.run(5, QUIET, 0)
  const { book, clock } = world
  const canary = (name: string) =>
    world.view.comparisons[0]!.metrics.find((m) => m.report.name === name)!.report.canary
  const [had, asked] = [canary('tokens').n, canary('tokens/label-missing').n]
  t.ok(had > 100 && asked >= had, `${had} of ${asked}`)
  const begin = (id: string) => {
    const drawn = { variant: 'b', reason: 'random', unit: null, suppressed: false } as const
    const assignment = { ...drawn, keyMissing: false, overrideRefused: false }
    const ticket = book.begin(assignment, id, clock.monotonic())
    book.head(ticket, clock.monotonic())
    return ticket
  }
  const short = Array.from({ length: 30 }, (_, n) => begin(`short ${n}`))
  const long = Array.from({ length: 20 }, (_, n) => begin(`long ${n}`))
  await world.run(29, QUIET, 0)
  for (const ticket of short) {
    book.end(ticket, 'ok', 200, 29_000, clock.monotonic())
    book.predicted(ticket, null, { '/tokens': 900 })
  }
  await world.run(1, QUIET, 0)
  // As the data plane books a stream that has run well for so long.
  for (const ticket of long) book.end(ticket, 'ok', 200, 30_000, clock.monotonic())
  await world.run(10, QUIET, 0)
  for (const ticket of long) book.predicted(ticket, null, { '/tokens': 4000 })
  await world.run(10, QUIET, 0)
  t.match(canary('tokens'), { value: 900, n: had + 30 })
  t.match(canary('tokens/label-missing'), { value: 20 / (asked + 50), n: asked + 50 })
  t.same(world.errors, [])
})

const PATIENT = threeWay([{ ...TOKENS, cap: 5000, windowMs: 120_000 }])

t.test('where a window is given, numbers of longer streams count, and are stored', async (t) => {
  const world = await ExperimentWorld.begin(PATIENT)
  await world.run(20, () => ({ numbers: { '/tokens': 900 } }), 100)
  await world.run(130, QUIET, 0)
  const figures = (name: string) =>
    world.view.comparisons[0]!.metrics.find((m) => m.report.name === name)!.report.canary
  const had = figures('tokens').n
  t.ok(had > 100)
  const long = (id: string, seconds: number) => {
    const drawn = { variant: 'b', reason: 'random', unit: null, suppressed: false } as const
    const assignment = { ...drawn, keyMissing: false, overrideRefused: false }
    const ticket = world.book.begin(assignment, id, world.clock.monotonic())
    world.book.head(ticket, world.clock.monotonic())
    return { ticket, seconds }
  }
  const streams = [40, 100, 130].flatMap((seconds) =>
    Array.from({ length: 10 }, (_, n) => long(`${seconds} ${n}`, seconds)),
  )
  await world.run(30, QUIET, 0)
  for (const { ticket } of streams)
    world.book.end(ticket, 'ok', 200, 30_000, world.clock.monotonic())
  for (let second = 30; second < 140; second++) {
    for (const { ticket, seconds } of streams) {
      if (seconds === second) world.book.predicted(ticket, null, { '/tokens': 4000 })
    }
    // Others without a number, so that something is stored.
    await world.run(1, QUIET, 4)
    // What has come by then is there after a crash.
    if (second === 105) await world.restart()
  }
  t.equal(figures('tokens').n, had + 20)
  t.same(world.errors, [])
})

t.test('numbers of streams that who follows has served are waited for as well', async (t) => {
  const { world, leader, follower } = await startTwo(PATIENT)
  const streams = Array.from({ length: 30 }, (_, n) =>
    world.begin(n % 2 === 0 ? follower : leader, n % 4 < 2 ? 'b' : 'baseline', null),
  )
  const processOf = (n: number) => (n % 2 === 0 ? follower : leader)
  for (const [n, ticket] of streams.entries()) processOf(n).book.head(ticket)
  await world.run(30_000)
  for (const [n, ticket] of streams.entries()) processOf(n).book.end(ticket, 'ok', 200, 30_000)
  await world.run(5000)
  const { comparisons } = leader.evaluator.experiment('svc')!
  t.equal(comparisons[0]!.metrics[0]!.report.canary.n, 0)
  for (const [n, ticket] of streams.entries()) {
    await world.run(2000)
    processOf(n).book.predicted(ticket, null, { '/tokens': 10 + n })
  }
  await world.run(40_000)
  const of = (name: string) =>
    leader.evaluator
      .experiment('svc')!
      .comparisons[0]!.metrics.find(({ report }) => report.name === name)!.report
  t.match(of('tokens'), { baseline: { n: 14 }, canary: { n: 16 } })
  t.match(of('tokens/label-missing'), {
    baseline: { n: 14, value: 0 },
    canary: { n: 16, value: 0 },
  })
  t.match(leader.evaluator.replicas, { lostShares: 0 })
  t.same(world.errors, [])
})
