import t from 'tap'
import {
  allUnits,
  isMuch,
  joinApart,
  joinLive,
  listUnits,
  NO_UNITS,
  splitLive,
} from '../../src/store/live-record.ts'
import { encodeRecord } from '../../src/store/record-codec.ts'
import { encodeUnits } from '../../src/store/unit-codec.ts'

const EVIDENCE = encodeRecord({ rollout: '1->2#1' })
const batch = (cohort: number, seen: readonly number[] = [cohort]) => ({
  cohort,
  epoch: 0,
  seen,
  events: {},
})
const encoded = (...batches: readonly ReturnType<typeof batch>[]) =>
  batches.map((each) => ({ cohort: each.cohort, bytes: encodeUnits(each) }))

t.test('evidence and the units behind it come back', (t) => {
  const first = joinLive(EVIDENCE, NO_UNITS, encoded(batch(17_953_172_731)))
  const { record, units } = joinLive(EVIDENCE, first.units, encoded(batch(2)))
  const found = splitLive(record)
  t.strictSame(found.evidence, EVIDENCE)
  t.strictSame(found.units, units)
  t.strictSame(allUnits([], units), [batch(2), batch(17_953_172_731)])
  const alone = joinLive(EVIDENCE, NO_UNITS, [])
  t.strictSame(splitLive(alone.record), { evidence: EVIDENCE, units: NO_UNITS })
  t.end()
})

t.test('evidence that stands alone is one without units', (t) => {
  t.strictSame(splitLive(EVIDENCE), { evidence: EVIDENCE, units: NO_UNITS })
  t.end()
})

t.test('a batch replaces that of the same cohort', (t) => {
  const first = joinLive(EVIDENCE, NO_UNITS, encoded(batch(1), batch(2), batch(3))).units
  t.strictSame(joinLive(EVIDENCE, first, []).units, first)
  const again = joinLive(EVIDENCE, first, encoded(batch(2, [7, 8]))).units
  t.strictSame(
    listUnits(again).map(({ cohort }) => cohort),
    [1, 3, 2],
  )
  const apart = [batch(1, [9]), batch(0)].map((each) => encodeUnits(each))
  t.strictSame(allUnits(apart, again), [batch(0), batch(1), batch(2, [7, 8]), batch(3)])
  t.end()
})

t.test('batches stand apart together, beside those that stood there', (t) => {
  const together = joinApart(undefined, encoded(batch(1), batch(2), batch(3)))
  t.strictSame(allUnits([together], NO_UNITS), [batch(1), batch(2), batch(3)])
  const again = joinApart(together, encoded(batch(1, [9]), batch(4)))
  t.strictSame(allUnits([again], NO_UNITS), [batch(1, [9]), batch(2), batch(3), batch(4)])
  const alone = joinApart(encodeUnits(batch(1)), encoded(batch(2)))
  t.strictSame(allUnits([alone], NO_UNITS), [batch(1), batch(2)], 'as older versions wrote it')
  t.end()
})

t.test('much is what would not go on half a page with the evidence', (t) => {
  const keys = (count: number) => Array.from({ length: count }, (_, n) => n)
  const unitsOf = (count: number) =>
    joinLive(EVIDENCE, NO_UNITS, encoded(batch(1, keys(count)))).units
  t.notOk(isMuch(unitsOf(100)))
  t.ok(isMuch(unitsOf(130)))
  t.end()
})
