import t from 'tap'
import type { Pair } from '../../src/domain/cohort.ts'
import { RecentValues } from '../../src/rollout/recent-values.ts'

/** So many values of the canary in a step. */
function folded(n: number, sum: number, step = 0, sumSq = sum ** 2) {
  const stepMoments = { n: [0, n], sum: [0, sum], sumSq: [0, sumSq] } as const
  return { kind: 'bet', step, stepMoments, strata: [] } as const
}

t.test(
  'half of the weight of a value is gone 500 values later, and not before 10 s are over',
  (t) => {
    const recent = new RecentValues()
    recent.note(0, folded(0, 0))
    t.equal(recent.ofLate(1), null)
    recent.note(1000, folded(1000, 0))
    t.match(recent.ofLate(1), { n: 1000, mean: 0 })
    recent.note(60_000, folded(1500, 500))
    t.match(recent.ofLate(1), { n: 750, mean: 2 / 3 }, '1,000 have come after the first of them')
    recent.note(62_000, folded(6500, 500))
    t.ok(recent.ofLate(1)!.n > 5300, 'a moment is not all of what was of late')
    t.equal(recent.ofLate(0), null)
    t.end()
  },
)

t.test('what a process finds when it begins is not known to be of late, another step is', (t) => {
  const recent = new RecentValues()
  recent.note(0, folded(1000, 5000))
  t.equal(recent.ofLate(1), null)
  recent.note(2000, folded(1010, 5000))
  t.match(recent.ofLate(1), { n: 10, mean: 0 })
  recent.note(4000, folded(20, 40, 1))
  t.match(recent.ofLate(1), { n: 20, mean: 2 }, 'of the step that has begun alone')
  recent.note(6000, folded(5, 5, 1))
  t.match(recent.ofLate(1), { n: 5, mean: 1 }, 'another attempt at the same step')
  t.end()
})

t.test('where values of late are all alike they vary as those of the step do', (t) => {
  const recent = new RecentValues()
  recent.note(0, folded(0, 0))
  recent.note(1000, folded(1000, 1000, 0, 51_000))
  recent.note(1e6, folded(1e5, 1000, 0, 51_000))
  const { mean, variance } = recent.ofLate(1)!
  t.ok(mean < 0.01)
  t.equal(variance, 51_000 / 1e5 - 0.01 ** 2)
  t.end()
})

t.test('how large values are is known of the whole attempt, and of either side', (t) => {
  const recent = new RecentValues()
  const stratum = (pi: number, sum: Pair, sumSq: Pair) => ({
    pi,
    n: [900, 100] as Pair,
    sum,
    sumSq,
  })
  const at = (n: number, strata: readonly ReturnType<typeof stratum>[]) => ({
    ...folded(n, 0, 3),
    strata,
  })
  recent.note(0, at(0, []))
  recent.note(1000, at(100, []))
  t.match(recent.ofStep(1), { variance: 0, size: null })
  recent.note(2000, at(110, [stratum(0.1, [50, 0], [500, 0]), stratum(0.5, [10, 20], [80, 600])]))
  // Σy = 80 and Σy² = 1,180: 14.75, and as if 5.4 of them were known.
  const { size, variance } = recent.ofStep(1)!
  t.equal(variance, 0)
  t.ok(Math.abs(size! - 14.75 * (1 + (4 * 1180) / 6400)) < 1e-9, `${size}`)
  const few = [stratum(0.1, [1, 0], [1, 0])]
  recent.note(3000, { ...folded(120, 90, 3, 2700), strata: few })
  t.equal(recent.ofStep(1)!.size, 30 * (1 + (4 * 2700) / 8100), 'that of the step, of more')
  t.end()
})

t.test('units with an event are values of 1, the others of 0', (t) => {
  const recent = new RecentValues()
  const at = (trials: number, events: number) =>
    ({ kind: 'event', step: 0, stepTrials: [0, trials], stepEvents: [0, events] }) as const
  recent.note(0, at(0, 0))
  recent.note(1000, at(100, 20))
  const { n, mean, variance } = recent.ofLate(1)!
  t.same([n, mean], [100, 0.2])
  t.ok(Math.abs(variance - 0.16) < 1e-12)
  t.end()
})

t.test('of a ratio it is known what units have beyond a limit, and how that varies', (t) => {
  const recent = new RecentValues()
  /** So many units with four views each, half of which have two clicks and the others none. */
  const at = (n: number, step = 0) => {
    const canary = (sum: number): Pair => [0, sum]
    const denominator = { sum: canary(4 * n), sumSq: canary(16 * n), cross: canary(4 * n) }
    const stepMoments = { n: canary(n), sum: canary(n), sumSq: canary(2 * n), denominator }
    return { kind: 'bet', step, stepMoments, strata: [] } as const
  }
  recent.note(0, at(0))
  t.equal(recent.ofStep(1), null)
  recent.note(1000, at(1000))
  const { n, mean, variance, beyond } = recent.ofStep(1)!
  t.same([n, mean], [1000, 0.25])
  t.equal(variance, 1, 'at the ratio itself')
  t.same(beyond!(0.2), { mean: 0.2, variance: 1, due: 0.8 })
  t.same(recent.ofLate(1)!.beyond!(0.2), { mean: 0.2, variance: 1, due: 0.8 })
  t.equal(recent.ofStep(0), null, 'a side without units')

  const none: Pair = [0, 0]
  const unseen = new RecentValues()
  const denominator = { sum: none, sumSq: none, cross: none }
  const stepMoments = { n: [0, 50] as Pair, sum: none, sumSq: none, denominator }
  unseen.note(0, { kind: 'bet', step: 0, stepMoments, strata: [] })
  t.equal(unseen.ofStep(1), null, 'nothing to divide by')
  t.end()
})
