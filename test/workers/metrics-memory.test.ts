import t from 'tap'
import type { MetricsSnapshot } from '../../src/metrics/merge-snapshots.ts'
import { MetricsMemory } from '../../src/workers/metrics-memory.ts'

const counted = (value: number): MetricsSnapshot => [
  {
    ...{ name: 'serin_x_total', help: 'x', type: 'counter', aggregator: 'sum' },
    values: [{ value, labels: {} }],
  },
]

t.test('Of workers that end at once every total stays in the sums.', async (t) => {
  const memory = new MetricsMemory(async () => counted(100))
  for (const [worker, value] of [5, 7, 11].entries()) memory.note(worker, counted(value))
  memory.bury(0)
  memory.bury(1)
  t.match((await memory.render(2)).body, 'serin_x_total 123')
  memory.note(0, counted(2))
  t.match((await memory.render(2)).body, 'serin_x_total 125', 'a successor begins at zero')
})
