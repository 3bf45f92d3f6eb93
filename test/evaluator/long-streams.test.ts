import t from 'tap'
import { ExperimentWorld, threeWay } from '../fakes/experiment-world.ts'
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
