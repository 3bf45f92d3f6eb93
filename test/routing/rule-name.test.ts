import t from 'tap'
import type { RuleCondition, RuleSpec } from '../../src/domain/service.ts'
import { ruledId, ruleId, ruleNames } from '../../src/routing/rule-name.ts'

const rule = (...when: RuleCondition[]): RuleSpec => ({ when, then: { variant: 'canary' } })
const range = (bounds: Partial<Record<'gte' | 'gt' | 'lt' | 'lte', number>>) =>
  ({
    field: { from: 'query', name: 'age' },
    test: 'range',
    ...{ gte: null, gt: null, lt: null, lte: null },
    ...bounds,
  }) as const
const tier = (...values: string[]) =>
  ({ field: { from: 'body', pointer: '/tier' }, test: 'in', values }) as const

t.test('a rule is named by its conditions, and no two by the same words', (t) => {
  t.strictSame(
    ruleNames([
      rule(tier('gold', 'platinum')),
      rule(tier('a', 'b', 'c', 'd', 'e', 'f')),
      rule(range({ gte: 18, lt: 30 }), {
        field: { from: 'header', name: 'x-id' },
        test: 'prefix',
        prefix: 'eu-',
      }),
      rule(range({ gt: 1.5, lte: 2 })),
      rule({ field: { from: 'ip' }, test: 'in', values: ['10.0.0.1'] }),
      rule({ field: { from: 'cookie', name: 'Plan' }, test: 'in', values: ['x'] }),
      rule(tier('gold', 'platinum')),
      rule(),
    ]),
    [
      'body:/tier = gold, platinum',
      'body:/tier = a, b, c, d and 2 more',
      'query:age >= 18 < 30 and header:x-id = eu-*',
      'query:age > 1.5 <= 2',
      'ip = 10.0.0.1',
      'cookie:Plan = x',
      'body:/tier = gold, platinum (rule 6)',
      'everything',
    ],
  )
  t.end()
})

t.test('a rule is known by its conditions, not by its place or its variant', (t) => {
  const known = ruleId(rule(tier('gold')))
  t.equal(ruleId({ ...rule(tier('gold')), then: { weightsBp: { canary: 1 } } }), known)
  t.not(ruleId(rule(tier('gold', 'silver'))), known)
  t.ok(Number.isInteger(known) && known > 0 && known < 2 ** 32)
  t.end()
})

t.test('what a version did for a rule is known by the rule, the variant and the version', (t) => {
  const ids = [
    ruledId(0, 'canary', '2.0'),
    ruledId(0, 'canary', '2.1'),
    ruledId(0, 'baseline', '2.0'),
    ruledId(7, 'canary', '2.0'),
  ]
  t.equal(new Set(ids).size, ids.length)
  for (const id of ids) t.ok(Number.isInteger(id) && id >= 0 && id < 2 ** 32)
  t.equal(ruledId(7, 'canary', '2.0'), ids[3])
  t.end()
})
