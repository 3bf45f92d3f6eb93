import t from 'tap'
import type { Assignment } from '../../src/domain/assignment.ts'
import type { FieldSource, RuleSpec, SplitSpec } from '../../src/domain/service.ts'
import { assign } from '../../src/routing/assign.ts'
import { buildCoin, pickByKey, unitHash } from '../../src/routing/rendezvous.ts'
import { buildSplit } from '../../src/routing/split.ts'
import { buildFields, type FieldsOptions } from './build-fields.ts'
import { buildService } from './build-service.ts'

const SALT = '1.4->2.0#1'
const USER: FieldSource = { from: 'header', name: 'x-user-id' }
const TIER: FieldSource = { from: 'body', pointer: '/parameters/card_tier' }
const OVERRIDE = { header: 'x-serin-variant', secret: 's3cret' }
const GOLD_TO_CANARY: RuleSpec = {
  when: [{ field: TIER, test: 'in', values: ['gold'] }],
  then: { variant: 'canary' },
}

type Setup = {
  readonly split?: Partial<SplitSpec>
  readonly canaryBp?: number
  readonly hasRollout?: boolean
  readonly request?: FieldsOptions
  readonly draw?: () => number
}

function assignOnce(setup: Setup): Assignment {
  const service = buildService({
    variants: ['baseline', 'canary', 'spare'],
    split: setup.split ?? {},
    hasRollout: setup.hasRollout ?? true,
  })
  const split = buildSplit(service, { canary: setup.canaryBp ?? 5000 }, SALT)
  return assign(split, buildFields(setup.request), setup.draw ?? noDraw)
}

function noDraw(): number {
  throw new Error('no draw is needed here')
}

/** What most assignments are not. */
const PLAIN = {
  unit: null,
  suppressed: false,
  keyMissing: false,
  coinUnreadable: false,
  overrideRefused: false,
  rule: null,
  segment: null,
  numbers: null,
}

t.test('without a key every request is drawn by itself', (t) => {
  const drawn = (point: number) => assignOnce({ draw: () => point })
  t.strictSame(drawn(0.49), { ...PLAIN, variant: 'baseline', reason: 'random' })
  t.strictSame(drawn(0.5), { ...PLAIN, variant: 'canary', reason: 'random' })
  t.end()
})

t.test('a key decides by its hash and names the unit', (t) => {
  const coin = buildCoin('credit-risk', { baseline: 5000, canary: 5000 }, SALT)
  const seen = new Set<string>()
  for (let index = 0; index < 20; index++) {
    const key = `user-${index}`
    const given = assignOnce({ split: { key: USER }, request: { headers: { 'x-user-id': key } } })
    const variant = pickByKey(coin, key)
    t.strictSame(given, { ...PLAIN, variant, reason: 'key', unit: unitHash(key) })
    seen.add(variant)
  }
  t.equal(seen.size, 2)
  t.end()
})

t.test('the key is read from the place that is configured', (t) => {
  const request: FieldsOptions = {
    headers: { k: 'header' },
    cookies: { k: 'cookie' },
    query: { k: 'query' },
    body: { '/k': 'body' },
    ip: '203.0.113.9',
  }
  for (const [key, value] of [
    [{ from: 'header', name: 'k' }, 'header'],
    [{ from: 'cookie', name: 'k' }, 'cookie'],
    [{ from: 'query', name: 'k' }, 'query'],
    [{ from: 'body', pointer: '/k' }, 'body'],
    [{ from: 'ip' }, '203.0.113.9'],
  ] as const) {
    t.equal(assignOnce({ split: { key }, request }).unit, unitHash(value), key.from)
  }
  t.end()
})

t.test('a request without its key is drawn by itself and says so', (t) => {
  const given = assignOnce({ split: { key: USER }, draw: () => 0.9 })
  t.strictSame(given, { ...PLAIN, variant: 'canary', reason: 'random', keyMissing: true })
  t.end()
})

t.test('an empty key and a JSON null name nobody', (t) => {
  const draw = () => 0
  const empty = assignOnce({
    split: { key: USER },
    request: { headers: { 'x-user-id': '' } },
    draw,
  })
  t.match(empty, { reason: 'random', keyMissing: true })
  const key: FieldSource = { from: 'body', pointer: '/user' }
  const jsonNull = assignOnce({ split: { key }, request: { body: { '/user': 'null' } }, draw })
  t.match(jsonNull, { reason: 'random', keyMissing: true })
  const word = assignOnce({ split: { key: USER }, request: { headers: { 'x-user-id': 'null' } } })
  t.match(word, { reason: 'key', unit: unitHash('null') })
  t.end()
})

t.test('the first rule that matches decides, before the key', (t) => {
  const toSpare: RuleSpec = {
    when: [{ field: TIER, test: 'in', values: ['platinum', 'gold'] }],
    then: { variant: 'spare' },
  }
  const split = { key: USER, rules: [GOLD_TO_CANARY, toSpare] }
  const given = (tier: string) =>
    assignOnce({
      split,
      request: {
        body: { [TIER.from === 'body' ? TIER.pointer : '']: tier },
        headers: { 'x-user-id': 'u' },
      },
    })
  t.strictSame(given('gold'), { ...PLAIN, variant: 'canary', reason: 'rule', rule: 0 })
  t.strictSame(given('platinum'), { ...PLAIN, variant: 'spare', reason: 'rule', rule: 1 })
  t.match(given('silver'), { reason: 'key', unit: unitHash('u') })
  t.end()
})

t.test('every condition of a rule must hold, and a field that is absent never does', (t) => {
  const rule: RuleSpec = {
    when: [
      {
        field: { from: 'query', name: 'age' },
        test: 'range',
        gte: 18,
        gt: null,
        lt: 30,
        lte: null,
      },
      { field: { from: 'header', name: 'x-id' }, test: 'prefix', prefix: 'eu-' },
    ],
    then: { variant: 'canary' },
  }
  const reason = (request: FieldsOptions) =>
    assignOnce({ split: { rules: [rule] }, request, draw: () => 0 }).reason
  t.equal(reason({ query: { age: '18' }, headers: { 'x-id': 'eu-1' } }), 'rule')
  t.equal(reason({ query: { age: '30' }, headers: { 'x-id': 'eu-1' } }), 'random')
  t.equal(reason({ query: { age: '18' }, headers: { 'x-id': 'us-1' } }), 'random')
  t.equal(reason({ query: { age: '18' } }), 'random')
  t.equal(reason({ headers: { 'x-id': 'eu-1' } }), 'random')
  t.end()
})

t.test('a rule that names a canary at weight 0 of a rollout is answered by the baseline', (t) => {
  const request = { body: { '/parameters/card_tier': 'gold' } }
  const split = { rules: [GOLD_TO_CANARY] }
  t.strictSame(assignOnce({ split, request, canaryBp: 0 }), {
    ...PLAIN,
    variant: 'baseline',
    reason: 'rule',
    rule: 0,
    suppressed: true,
  })
  const fixed = assignOnce({ split, request, canaryBp: 0, hasRollout: false })
  t.match(fixed, { variant: 'canary', suppressed: false })
  const started = assignOnce({ split, request, canaryBp: 1 })
  t.match(started, { variant: 'canary', suppressed: false })
  t.end()
})

t.test('a suppressed canary leaves rules for other variants alone', (t) => {
  const rule: RuleSpec = { ...GOLD_TO_CANARY, then: { variant: 'spare' } }
  const request = { body: { '/parameters/card_tier': 'gold' } }
  const given = assignOnce({ split: { rules: [rule] }, request, canaryBp: 0 })
  t.match(given, { variant: 'spare', suppressed: false })
  t.end()
})

t.test("a rule's weights are a coin of its own", (t) => {
  const always: RuleSpec = { when: [], then: { weightsBp: { canary: 5000 } } }
  const never: RuleSpec = { ...GOLD_TO_CANARY }
  const coin = buildCoin('credit-risk', { baseline: 5000, canary: 5000 }, `${SALT}/rule/1`)
  let differs = 0
  for (let index = 0; index < 64; index++) {
    const key = `user-${index}`
    const request = { headers: { 'x-user-id': key } }
    const given = assignOnce({ split: { key: USER, rules: [never, always] }, request })
    t.strictSame(given, { ...PLAIN, variant: pickByKey(coin, key), reason: 'rule', rule: 1 })
    const unruled = assignOnce({ split: { key: USER }, request })
    if (unruled.variant !== given.variant) differs++
  }
  t.ok(differs > 16 && differs < 48, `${differs} of 64 keys fall differently`)
  t.end()
})

t.test("a rule's coin is drawn where there is no key", (t) => {
  const rules: RuleSpec[] = [{ when: [], then: { weightsBp: { canary: 1000 } } }]
  t.strictSame(assignOnce({ split: { rules }, draw: () => 0.95 }), {
    ...PLAIN,
    variant: 'canary',
    reason: 'rule',
    rule: 0,
  })
  t.strictSame(assignOnce({ split: { key: USER, rules }, draw: () => 0.85 }), {
    ...PLAIN,
    variant: 'baseline',
    reason: 'rule',
    rule: 0,
    keyMissing: true,
  })
  t.end()
})

t.test("a canary that a rule's coin picks is suppressed likewise", (t) => {
  const rules: RuleSpec[] = [{ when: [], then: { weightsBp: { canary: 1000 } } }]
  const given = (point: number) => assignOnce({ split: { rules }, canaryBp: 0, draw: () => point })
  t.match(given(0.95), { variant: 'baseline', reason: 'rule', suppressed: true })
  t.match(given(0.85), { variant: 'baseline', reason: 'rule', suppressed: false })
  t.end()
})

t.test('an override with its secret beats rules and key, even at weight 0', (t) => {
  const given = assignOnce({
    split: { key: USER, rules: [GOLD_TO_CANARY], override: OVERRIDE },
    canaryBp: 0,
    request: {
      headers: { 'x-serin-variant': 'canary', 'x-user-id': 'u' },
      body: { '/parameters/card_tier': 'gold' },
      secret: 's3cret',
    },
  })
  t.strictSame(given, { ...PLAIN, variant: 'canary', reason: 'override' })
  t.end()
})

t.test('an override with a wrong secret or an unknown variant is ignored and reported', (t) => {
  const given = (headers: Record<string, string>, secret: string) =>
    assignOnce({
      split: { override: OVERRIDE, rules: [GOLD_TO_CANARY] },
      request: { headers, secret, body: { '/parameters/card_tier': headers['tier'] ?? 'none' } },
      draw: () => 0,
    })
  const refused = { ...PLAIN, variant: 'baseline', reason: 'random', overrideRefused: true }
  t.strictSame(given({ 'x-serin-variant': 'canary' }, 'wrong'), refused)
  t.strictSame(given({ 'x-serin-variant': 'canari' }, 's3cret'), refused)
  t.strictSame(given({ 'x-serin-variant': '' }, 's3cret'), refused)
  t.strictSame(given({ 'x-serin-variant': 'spare', tier: 'gold' }, 'wrong'), {
    ...PLAIN,
    variant: 'canary',
    reason: 'rule',
    rule: 0,
    overrideRefused: true,
  })
  t.end()
})

t.test('the secret is compared whether or not the variant exists, and only when asked for', (t) => {
  const reads = (headers: Record<string, string>, override: SplitSpec['override']) => {
    const seen: string[] = []
    assignOnce({ split: { override }, request: { headers, reads: seen }, draw: () => 0 })
    return seen
  }
  t.strictSame(reads({ 'x-serin-variant': 'nobody' }, OVERRIDE), [
    'header:x-serin-variant',
    'secret',
  ])
  t.strictSame(reads({}, OVERRIDE), ['header:x-serin-variant'])
  t.strictSame(reads({ 'x-serin-variant': 'canary' }, null), [])
  t.end()
})

t.test('fields are read only as far as needed', (t) => {
  const reads: string[] = []
  assignOnce({
    split: {
      key: USER,
      rules: [
        {
          when: [
            { field: { from: 'header', name: 'x-country' }, test: 'in', values: ['NZ'] },
            { field: TIER, test: 'in', values: ['gold'] },
          ],
          then: { variant: 'canary' },
        },
      ],
    },
    request: { headers: { 'x-user-id': 'u' }, reads },
  })
  t.strictSame(reads, ['header:x-country', 'header:x-user-id'])
  t.end()
})
