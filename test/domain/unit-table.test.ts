import fc from 'fast-check'
import t from 'tap'
import { UnitMap } from '../../src/domain/unit-map.ts'
import { UnitSet } from '../../src/domain/unit-set.ts'
import { unitHash } from '../../src/routing/rendezvous.ts'

/** Units that meet in pages and cells, and the smallest and largest of all. */
const units = fc.oneof(
  fc.maxSafeNat(),
  fc.nat(200),
  fc.nat(0x1f_ffff).map((high) => high * 2 ** 32 + 7),
  fc.constantFrom(0, 2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 53 - 1),
)

t.test('It holds what a set would.', async () => {
  fc.assert(
    fc.property(fc.array(units, { maxLength: 3_000 }), (added) => {
      const [set, expected] = [new UnitSet(), new Set<number>()]
      for (const unit of added) {
        if (set.has(unit) !== expected.has(unit)) return false
        set.add(unit)
        expected.add(unit)
        if (!set.has(unit) || set.size !== expected.size) return false
      }
      return isSame([...set], expected)
    }),
  )
})

t.test('It holds what a map would.', async () => {
  const steps = fc.array(fc.tuple(units, fc.integer()), { maxLength: 3_000 })
  fc.assert(
    fc.property(steps, (all) => {
      const [map, expected] = [new UnitMap(), new Map<number, number>()]
      for (const [unit, value] of all) {
        if (map.get(unit) !== expected.get(unit)) return false
        map.set(unit, value)
        expected.set(unit, value)
      }
      return [...expected].every(([unit, value]) => map.get(unit) === value)
    }),
  )
})

t.test('Of many units each is there, and no other one.', async (t) => {
  const [set, map] = [new UnitSet(), new UnitMap()]
  const count = 200_000
  for (let n = 0; n < count; n += 1) {
    set.add(unitHash(`user-${n}`))
    map.set(unitHash(`user-${n}`), n)
  }
  t.equal(set.size, count)
  let [missing, strange, wrong] = [0, 0, 0]
  for (let n = 0; n < count; n += 1) {
    if (!set.has(unitHash(`user-${n}`))) missing += 1
    if (set.has(unitHash(`other-${n}`)) || map.get(unitHash(`other-${n}`)) !== undefined) {
      strange += 1
    }
    if (map.get(unitHash(`user-${n}`)) !== n) wrong += 1
  }
  t.strictSame([missing, strange, wrong], [0, 0, 0])
  t.equal(new Set(set).size, count, 'each is visited')
})

t.test('Units that are alike in all that tells their cells apart have room too.', async (t) => {
  const set = new UnitSet()
  // As much as the hash multiplies it by is taken out of the lower part again.
  const alike = (high: number) => high * 2 ** 32 + (Math.imul(high, 0x85eb_ca6b) >>> 0)
  for (let high = 0; high < 5_000; high += 1) set.add(alike(high))
  t.equal(set.size, 5_000)
  t.ok(set.has(alike(4_999)))
  t.notOk(set.has(alike(5_000)))
})

t.test('To add a unit moves a page at most, whatever there is.', async (t) => {
  for (const [table, add, width] of [
    tableOf(new UnitSet(), (set, unit) => set.add(unit), 1),
    tableOf(new UnitMap(), (map, unit) => map.set(unit, 1), 2),
  ] as const) {
    let [most, all] = [0, 0]
    for (let n = 0; n < 300_000; n += 1) {
      const unit = unitHash(`user-${n}`)
      const bytes = countBytes(() => add(unit))
      most = Math.max(most, bytes)
      all += bytes
    }
    t.equal(table.size, 300_000)
    t.equal(most, 2 * 4096 * 8 * width, 'two new pages for a full one')
    t.ok(all > 300_000 * 8 * width, 'they are counted')
  }
})

function tableOf<T extends { readonly size: number }>(
  table: T,
  add: (table: T, unit: number) => void,
  width: number,
): readonly [T, (unit: number) => void, number] {
  return [table, (unit) => add(table, unit), width]
}

/** Bytes of typed arrays that are made meanwhile. */
function countBytes(run: () => void): number {
  const Original = globalThis.Float64Array
  let bytes = 0
  globalThis.Float64Array = new Proxy(Original, {
    construct: (target, [length]: [number]) => {
      bytes += 8 * length
      return new target(length)
    },
  })
  try {
    run()
    return bytes
  } finally {
    globalThis.Float64Array = Original
  }
}

function isSame(found: readonly number[], expected: ReadonlySet<number>): boolean {
  return found.length === expected.size && found.every((unit) => expected.has(unit))
}
