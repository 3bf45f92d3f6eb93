import t from 'tap'
import type { FieldSource, RuleSpec } from '../../src/domain/service.ts'
import { assign } from '../../src/routing/assign.ts'
import { pickByKey, unitHash } from '../../src/routing/rendezvous.ts'
import { buildSplit } from '../../src/routing/split.ts'
import { buildFields } from './build-fields.ts'
import { buildService } from './build-service.ts'

const COIN: FieldSource = { from: 'header', name: 'x-coin' }
const VARIANTS = ['baseline', 'canary', 'small', 'large']

function splitOf(weightsBp: Readonly<Record<string, number>>, rules: readonly RuleSpec[] = []) {
  const service = buildService({
    variants: VARIANTS,
    split: { key: COIN, coin: 'value', rules },
  })
  return buildSplit(service, weightsBp, 'credit-risk')
}

const given = (split: ReturnType<typeof splitOf>, value: string | null, draw = () => 0.5) =>
  assign(split, buildFields(value === null ? {} : { headers: { 'x-coin': value } }), draw)

t.test("a key's own value decides: the variants cut the interval, the baseline last", (t) => {
  const split = splitOf({ canary: 1000, small: 2000, large: 3000 })
  for (const [value, variant] of [
    ['0', 'canary'],
    ['0.0999999', 'canary'],
    ['1e-3', 'canary'],
    ['0.1', 'small'],
    ['.25', 'small'],
    ['0.3', 'large'],
    ['0.599', 'large'],
    ['0.6', 'baseline'],
    ['1', 'baseline'],
  ] as const) {
    const found = given(split, value)
    t.match(found, { variant, reason: 'key', unit: unitHash(value), coinUnreadable: false }, value)
  }
  t.end()
})

t.test('what is no number from 0 to 1 is decided by its hash, and counted', (t) => {
  const split = splitOf({ canary: 5000 })
  for (const value of ['-0.1', '1.01', 'user-7', ' 0.5', '0x0', 'NaN', 'Infinity', '1,0', 'true']) {
    const variant = pickByKey(split.toss.coin, value)
    t.match(given(split, value), { variant, reason: 'key', coinUnreadable: true }, value)
  }
  t.match(given(split, null), { reason: 'random', keyMissing: true, coinUnreadable: false })
  t.match(given(split, ''), { reason: 'random', keyMissing: true, coinUnreadable: false })
  t.end()
})

t.test('where the hash decides a value is a key like any other', (t) => {
  const service = buildService({ split: { key: COIN } })
  const split = buildSplit(service, { canary: 100 }, 'credit-risk')
  t.match(given(split, '0.001'), {
    variant: pickByKey(split.toss.coin, '0.001'),
    coinUnreadable: false,
  })
  t.end()
})

t.test("the weights of a rule cut the same value; a rule's variant needs none", (t) => {
  const rules: RuleSpec[] = [
    {
      when: [{ field: COIN, test: 'range', gte: 0.9, gt: null, lt: null, lte: null }],
      then: { variant: 'large' },
    },
    { when: [], then: { weightsBp: { small: 4000 } } },
  ]
  const split = splitOf({ canary: 10_000 }, rules)
  t.match(given(split, '0.95'), { variant: 'large', rule: 0, coinUnreadable: false })
  t.match(given(split, '0.39'), { variant: 'small', rule: 1, reason: 'rule', unit: null })
  t.match(given(split, '0.4'), { variant: 'baseline', rule: 1 })
  t.match(given(split, 'x'), { rule: 1, coinUnreadable: true })
  t.match(
    given(split, null, () => 0.99),
    { variant: 'small', rule: 1, keyMissing: true },
  )
  t.end()
})

t.test('a weight that rises keeps its values, and takes none of those before it', (t) => {
  const before = splitOf({ canary: 1000, small: 2000, large: 1000 })
  const after = splitOf({ canary: 1000, small: 3500, large: 1000 })
  const moves = new Map<string, number>()
  for (let index = 0; index < 10_000; index++) {
    const value = String((index + 0.5) / 10_000)
    const [from, to] = [given(before, value).variant, given(after, value).variant]
    if (from === to) continue
    moves.set(`${from} to ${to}`, (moves.get(`${from} to ${to}`) ?? 0) + 1)
  }
  // Of what comes after it some pass on: an interval has but two ends.
  t.strictSame(Object.fromEntries(moves), {
    'baseline to large': 1000,
    'baseline to small': 500,
    'large to small': 1000,
  })
  t.end()
})

t.test('a canary that rises moves values from the baseline to itself alone', (t) => {
  let canary = 0
  const moved = [0, 500, 2000, 5000, 10_000].map((weightBp) => {
    const split = splitOf({ canary: weightBp })
    const found = Array.from(
      { length: 1000 },
      (_, index) => given(split, String(index / 1000)).variant,
    )
    const own = found.filter((v) => v === 'canary').length
    const isPrefix = found.slice(0, own).every((v) => v === 'canary') && own >= canary
    canary = own
    return [own, isPrefix]
  })
  t.strictSame(moved, [
    [0, true],
    [50, true],
    [200, true],
    [500, true],
    [1000, true],
  ])
  t.end()
})
