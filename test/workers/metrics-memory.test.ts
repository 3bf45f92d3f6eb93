import t from 'tap'
import type { MetricsSnapshot } from '../../src/metrics/merge-snapshots.ts'
import { MetricsMemory } from '../../src/workers/metrics-memory.ts'

const counted = (value: number): MetricsSnapshot => [
  {
    ...{ name: 'serin_x_total', help: 'x', type: 'counter', aggregator: 'sum' },
    values: [{ value, labels: {} }],
  },
]

/** What one worker has answered, and how many of it fast. */
const served = (requests: number, fast: number): MetricsSnapshot => {
  const labels = { variant: 'canary' }
  const bucket = { metricName: 'serin_d_bucket' }
  return [
    ...counted(requests),
    {
      ...{ name: 'serin_d', help: 'd', type: 'histogram', aggregator: 'sum' },
      values: [
        { ...bucket, value: fast, labels: { ...labels, le: '0.1' } },
        { ...bucket, value: requests, labels: { ...labels, le: '+Inf' } },
        { metricName: 'serin_d_count', value: requests, labels },
      ],
    },
  ]
}

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

t.test('Of workers that end at once every total stays in the sums.', async (t) => {
  const memory = new MetricsMemory(async () => counted(100))
  for (const [worker, value] of [5, 7, 11].entries()) memory.note(worker, counted(value))
  memory.bury(0)
  memory.bury(1)
  t.match((await memory.render(2)).body, 'serin_x_total 123')
  memory.note(0, counted(2))
  t.match((await memory.render(2)).body, 'serin_x_total 125', 'a successor begins at zero')
})
