import { fc } from '../support/fast-check.ts'
import t from 'tap'
import type { Pair, Tally, ValueBins } from '../../src/domain/cohort.ts'
import type { CohortSums } from '../../src/domain/replica.ts'
import { addSums, mergeShares } from '../../src/rollout/merge-shares.ts'
import { cohort, events } from '../fakes/evidence.ts'
import { plan } from '../fakes/rollout.ts'
import { ERRORS } from '../fakes/simulated-service.ts'

const PLAN = plan({ analysis: { metrics: [ERRORS] } })

// Whole numbers, so that the order of additions does not show.
const whole = fc.integer({ min: -1000, max: 1000 })
const pair: fc.Arbitrary<Pair> = fc.tuple(whole, whole)
const list = (length: number) => fc.array(whole, { minLength: length, maxLength: length })
const bins: fc.Arbitrary<ValueBins> = fc.dictionary(fc.constantFrom('1', '2', 'zero'), pair)

const eventTally = (keyed: boolean): fc.Arbitrary<Tally> =>
  fc.record({
    kind: fc.constant('event'),
    trials: pair,
    events: pair,
    harmEvents: pair,
    harmUnits: keyed ? fc.tuple(fc.array(fc.nat()), fc.array(fc.nat())) : fc.constant(null),
  })

const bet = {
  kind: fc.constant('bet' as const),
  ...{ n: pair, sum: pair, sumSq: pair, harm: list(3), proof: list(3) },
}
const binned: fc.Arbitrary<Tally> = fc.record({ ...bet, bins: fc.tuple(bins, bins) })
const ratios: fc.Arbitrary<Tally> = fc.record({
  ...bet,
  denominator: fc.record({ sum: pair, sumSq: pair, cross: pair }),
})

const driftTally: fc.Arbitrary<Tally> = fc.record({
  kind: fc.constant('drift'),
  baseline: list(4),
  canary: list(4),
})

const units = fc.record({ assigned: pair, observed: pair })
const sums: fc.Arbitrary<CohortSums> = fc.record({
  assigned: pair,
  observed: pair,
  segments: fc.record({ gold: units }),
  tallies: fc.record({
    failures: eventTally(false),
    keyed: eventTally(true),
    rmse: binned,
    ratio: ratios,
    drift: driftTally,
  }),
})

t.test('shares add up to the same whatever their order and their grouping', async (t) => {
  fc.assert(
    fc.property(sums, sums, sums, (a, b, c) => {
      const grouped = addSums(a, addSums(b, c))
      t.strictSame(addSums(addSums(a, b), c), grouped)
      t.strictSame(sorted(addSums(addSums(c, a), b)), sorted(grouped))
    }),
    { numRuns: 100 },
  )
})

t.test('a cohort takes up the sums of all shares, and stays what it was itself', (t) => {
  const own = cohort(PLAN, { assigned: [8, 2], tallies: { errors: events([8, 2], [1, 0]) } })
  const before = structuredClone(own)
  const shares = [
    { assigned: [80, 20], observed: [0, 0], tallies: { errors: events([80, 20], [3, 4]) } },
    { assigned: [0, 0], observed: [0, 0], tallies: {} },
  ] satisfies CohortSums[]
  const merged = mergeShares(own, shares)
  t.match(merged, {
    number: own.number,
    assigned: [88, 22],
    tallies: { errors: { trials: [88, 22], events: [4, 4] } },
  })
  t.strictSame(own, before)
  t.equal(mergeShares(own, []), own)
  t.end()
})

t.test('who knows nothing of a segment or of keys adds nothing to them', (t) => {
  const none = { assigned: [0, 0], observed: [0, 0] } satisfies Partial<CohortSums>
  const plain = { kind: 'bet', n: [1, 1], sum: [2, 2], sumSq: [4, 4], harm: [], proof: [] } as const
  const of = (keyed: number[][] | null, more: object) =>
    ({
      ...none,
      tallies: { e: { ...events([1, 1], [1, 1]), harmUnits: keyed }, b: { ...plain, ...more } },
    }) as unknown as CohortSums
  const extra = {
    denominator: { sum: [1, 1], sumSq: [1, 1], cross: [1, 1] },
  }
  const segments = { gold: { assigned: [1, 2], observed: [0, 0] } } as const
  const full = { ...of([[7], []], extra), segments } as unknown as CohortSums
  const bare = of(null, {})
  for (const both of [addSums(full, bare), addSums(full, { ...bare, segments: {} })]) {
    t.match(both.segments, segments)
    t.match(both.tallies['e'], { harmUnits: [[7], []], trials: [2, 2] })
    t.match(both.tallies['b'], { ...extra, n: [2, 2] })
  }
  const other = addSums(bare, full)
  t.equal(other.segments, undefined)
  t.match(other.tallies['e'], { harmUnits: [[7], []] })
  t.match(other.tallies['b'], extra)
  t.end()
})

t.test('bins of which a share has none are of no use: they would be of half of the values', (t) => {
  const plain = { kind: 'bet', n: [1, 1], sum: [2, 2], sumSq: [4, 4], harm: [], proof: [] } as const
  const of = (more: object) =>
    ({
      ...{ assigned: [0, 0], observed: [0, 0] },
      tallies: { b: { ...plain, ...more } },
    }) as unknown as CohortSums
  const full = of({ bins: [{ zero: [1, 0] }, {}], ratioBins: [{}, { '16/0': [1, 2, 1] }] })
  const own = (sums: CohortSums) => Object.keys(sums.tallies['b']!)
  for (const both of [addSums(full, of({})), addSums(of({}), full)]) {
    t.notOk(own(both).some((key) => key === 'bins' || key === 'ratioBins'))
  }
  t.match(addSums(full, full).tallies['b'], {
    bins: [{ zero: [2, 0] }, {}],
    ratioBins: [{}, { '16/0': [2, 4, 2] }],
  })
  t.end()
})

/** Keys stand in no order. */
function sorted({ tallies, ...rest }: CohortSums): unknown {
  const keyed = tallies['keyed'] as Extract<Tally, { kind: 'event' }>
  const harmUnits = keyed.harmUnits!.map((side) => side.toSorted((a, b) => a - b))
  return { ...rest, tallies: { ...tallies, keyed: { ...keyed, harmUnits } } }
}
