import t from 'tap'
import { binOf, decileEdges } from '../../src/statistics/bins.ts'

/** How many of the sample each bin holds. */
function countsOf(sample: readonly number[]): number[] {
  const edges = decileEdges(sample)
  const counts = Array.from({ length: edges.length + 1 }, () => 0)
  for (const value of sample) counts[binOf(edges, value)]!++
  return counts
}

t.test('values that differ are cut at their deciles', (t) => {
  const sample = Array.from({ length: 500 }, (_, i) => ((i * 7919) % 500) + 1)
  t.same(decileEdges(sample), [50, 100, 150, 200, 250, 300, 350, 400, 450])
  t.same(countsOf(sample), Array(10).fill(50))
  t.end()
})

t.test('a value on an edge belongs to the bin below it, and the outer bins are open', (t) => {
  const edges = [-1, 0, 2.5]
  t.same(
    [-Infinity, -1, -0.5, 0, 1e-9, 2.5, 2.6, 1e300].map((value) => binOf(edges, value)),
    [0, 0, 1, 1, 2, 2, 3, 3],
  )
  t.equal(binOf([], 7), 0)
  t.end()
})

t.test(
  'each class has a bin of its own, however rare, and one below and above is left free',
  (t) => {
    const classes = [...Array(480).fill(0), ...Array(15).fill(1), ...Array(5).fill(3)] as number[]
    t.same(decileEdges(classes), [-0.5, 0.5, 2, 4])
    t.same(countsOf(classes), [0, 480, 15, 5, 0])
    t.end()
  },
)

t.test('values are told apart between which there is no number', (t) => {
  const low = 1 + Number.EPSILON
  const high = 1 + 2 * Number.EPSILON
  t.equal(low + (high - low) / 2, high, 'halfway is rounded up')
  t.same(countsOf([low, low, high]), [0, 2, 1, 0])
  t.end()
})

t.test('a constant is told from anything else on both sides', (t) => {
  for (const value of [0, 5, -1e9]) {
    const edges = decileEdges(Array<number>(500).fill(value))
    const gap = Math.max(1, Math.abs(value)) * 1e-5
    t.same(
      [value - gap, value, value + gap].map((each) => binOf(edges, each)),
      [0, 1, 2],
    )
  }
  t.end()
})

t.test('a value that many share is cut out, the rest keeps its deciles', (t) => {
  const sample = [...Array<number>(250).fill(0), ...Array.from({ length: 250 }, (_, i) => i + 1)]
  t.same(decileEdges(sample), [-0.5, 0.5, 50, 100, 150, 200])
  t.same(countsOf(sample), [0, 250, 50, 50, 50, 50, 50])
  const within = [...Array<number>(100).fill(200.5), ...Array.from({ length: 400 }, (_, i) => i)]
  t.same(
    countsOf(within).reduce((sum, n) => sum + n, 0),
    500,
  )
  t.ok(countsOf(within).includes(100), 'alone in its bin')
  t.end()
})
