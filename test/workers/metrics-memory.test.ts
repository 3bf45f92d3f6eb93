import { setImmediate as nextTurn } from 'node:timers/promises'
import t from 'tap'
import type { MetricFamily, MetricsSnapshot } from '../../src/metrics/take-snapshot.ts'
import { MetricsMemory } from '../../src/workers/metrics-memory.ts'
import { Scrapes } from '../../src/workers/scrapes.ts'

const family = (name: string, type: string, samples: Record<string, number>): MetricFamily => ({
  ...{ name, type, aggregator: 'sum', head: `# HELP ${name} x\n# TYPE ${name} ${type}` },
  series: Object.keys(samples),
  values: Object.values(samples),
})

const counted = (value: number, labels = ''): MetricsSnapshot => [
  family('serin_x_total', 'counter', { [`serin_x_total${labels}`]: value }),
]

/** What one worker has answered, and how many of it fast. */
const served = (requests: number, fast: number): MetricsSnapshot => [
  ...counted(requests),
  family('serin_d', 'histogram', {
    'serin_d_bucket{le="0.1",variant="canary"}': fast,
    'serin_d_bucket{le="+Inf",variant="canary"}': requests,
    'serin_d_count{variant="canary"}': requests,
  }),
]

t.test('Where a reload has workers count anew, no total goes back.', async (t) => {
  const memory = new MetricsMemory(async () => [])
  const read = async () => {
    const { body } = await memory.render(0)
    return [...body.matchAll(/^serin\S+ (\d+)$/gm)].map(([, value]) => Number(value))
  }
  for (const worker of [0, 1, 2]) memory.note(worker, served(100, 5))
  memory.bury(2)
  t.same(await read(), [300, 15, 300, 300])
  memory.reloading()
  memory.note(0, served(6, 5))
  memory.note(1, served(101, 5))
  t.same(await read(), [307, 20, 307, 307], 'one has taken the configuration, the other not yet')
  memory.reloading()
  memory.note(0, served(8, 6))
  memory.note(1, [])
  t.same(await read(), [309, 21, 309, 309], 'what is not there any more has not gone back either')
  for (const worker of [0, 1]) memory.note(worker, served(10, 6))
  t.same(await read(), [321, 27, 321, 321])
})

/** Has the memory gather what workers have counted, by their number. */
async function gather(memory: MetricsMemory, counts: readonly number[]): Promise<void> {
  const scrapes = counts.map(() => new Scrapes())
  await memory.gather(
    counts.map((_, number) => ({ number })),
    ({ number }, scrape) =>
      scrapes[number]!.next(scrape, async function* () {
        yield counted(counts[number]!)
      }),
  )
}

t.test('Of workers that end at once every total stays in the sums.', async (t) => {
  const memory = new MetricsMemory(async () => counted(100))
  await gather(memory, [5, 7, 11])
  memory.bury(0)
  memory.bury(1)
  t.match((await memory.render(2)).body, 'serin_x_total 123')
  await gather(memory, [2])
  t.match((await memory.render(2)).body, 'serin_x_total 125', 'a successor begins at zero')
})

t.test(
  'Parts make one snapshot; of a worker that ends within it the one before stays.',
  async (t) => {
    const memory = new MetricsMemory(async () => [])
    const parts = [counted(1, '{service="a"}'), [], counted(2, '{service="b"}')]
    let isEnding = false
    const ask = async (_worker: object, scrape: number) => {
      const part = parts.shift() ?? null
      if (isEnding && part === null) throw new Error(`worker 1 ended in scrape ${scrape}`)
      return part
    }
    await memory.gather([{ number: 1 }], ask)
    t.match(
      (await memory.render(1)).body,
      /_total\{service="a"\} 1\nserin_x_total\{service="b"\} 2$/m,
    )
    parts.push(counted(9, '{service="a"}'))
    isEnding = true
    await memory.gather([{ number: 1 }], ask)
    t.match((await memory.render(1)).body, /_total\{service="a"\} 1$/m)
  },
)

t.test(
  'A worker gives each scrape its own parts, and forgets those that nobody ends.',
  async (t) => {
    const scrapes = new Scrapes()
    let begun = 0
    const begin = async function* () {
      begun += 1
      yield counted(begun)
    }
    t.match(await scrapes.next(1, begin), counted(1))
    t.match(await scrapes.next(2, begin), counted(2))
    t.equal(await scrapes.next(1, begin), null)
    t.equal(begun, 2)
    for (const scrape of [3, 4, 5, 6]) await scrapes.next(scrape, begin)
    await t.rejects(scrapes.next(2, begin), /given up/, 'it was the oldest of too many')
    t.equal(await scrapes.next(6, begin), null)
  },
)

t.test('However many scrapes run at once, each counts once.', async (t) => {
  const memory = new MetricsMemory(async () => [])
  const scrapes = new Scrapes()
  async function* parts() {
    for (const service of ['a', 'b', 'c']) {
      await nextTurn()
      yield counted(1, `{service="${service}"}`)
    }
  }
  const gather = () =>
    memory.gather([{ number: 1 }], (_worker, scrape) => scrapes.next(scrape, parts))
  await Promise.all([1, 2, 3, 4, 5, 6, 7, 8].map(gather))
  const { body } = await memory.render(1)
  t.same(
    [...body.matchAll(/^serin_x_total.* (\d+)$/gm)].map(([, value]) => value),
    ['1', '1', '1'],
  )
})
