import t from 'tap'
import type { RuleCondition } from '../../src/domain/service.ts'
import { buildRule, isMatch, isSatisfied } from '../../src/routing/rule.ts'
import { buildFields } from './build-fields.ts'
import { buildService } from './build-service.ts'

const field = { from: 'header', name: 'x' } as const

/** Whether a rule with this one condition holds for a value. */
function holds(condition: RuleCondition, value: string): boolean {
  const rule = buildRule(buildService(), { when: [condition], then: { variant: 'canary' } }, 0, 's')
  return isSatisfied(rule.when[0]!, value)
}

type Bounds = Partial<Record<'gte' | 'gt' | 'lt' | 'lte', number>>

function inRange(bounds: Bounds, value: string): boolean {
  const range = {
    field,
    test: 'range',
    gte: null,
    gt: null,
    lt: null,
    lte: null,
    ...bounds,
  } as const
  return holds(range, value)
}

t.test('a list holds for exactly its values', (t) => {
  const condition: RuleCondition = { field, test: 'in', values: ['gold', 'größe', '1.0', ''] }
  for (const value of ['gold', 'gr\u00c3\u00b6\u00c3\u009fe', '1.0', '']) {
    t.equal(holds(condition, value), true, value)
  }
  for (const value of ['Gold', 'gold ', 'größe', '1', 'gol']) {
    t.equal(holds(condition, value), false, value)
  }
  t.end()
})

t.test('so does a list of one', (t) => {
  const condition: RuleCondition = { field, test: 'in', values: ['größe'] }
  t.equal(holds(condition, 'gr\u00c3\u00b6\u00c3\u009fe'), true)
  for (const value of ['größe', 'gr\u00c3\u00b6\u00c3\u009fen', 'gr', '']) {
    t.equal(holds(condition, value), false, value)
  }
  t.end()
})

t.test('a prefix holds for values that begin with it, byte by byte', (t) => {
  const condition: RuleCondition = { field, test: 'prefix', prefix: 'é-' }
  t.equal(holds(condition, '\u00c3\u00a9-1'), true)
  t.equal(holds(condition, '\u00c3\u00a9-'), true)
  t.equal(holds(condition, 'é-1'), false)
  t.equal(holds(condition, '\u00c3'), false)
  t.end()
})

t.test('a range compares numbers with each of its bounds', (t) => {
  t.equal(inRange({ gte: 18 }, '18'), true)
  t.equal(inRange({ gte: 18 }, '17.99'), false)
  t.equal(inRange({ gt: 18 }, '18'), false)
  t.equal(inRange({ gt: 18 }, '18.01'), true)
  t.equal(inRange({ lt: 30 }, '30'), false)
  t.equal(inRange({ lt: 30 }, '29'), true)
  t.equal(inRange({ lte: 30 }, '30'), true)
  t.equal(inRange({ lte: 30 }, '3.001e1'), false)
  t.equal(inRange({ gt: -1, lt: 1 }, '-0.5'), true)
  t.equal(inRange({ gte: 0 }, '0'), true)
  t.end()
})

t.test('a range never holds for what is no number in decimal notation', (t) => {
  for (const value of [
    '',
    ' ',
    '18 ',
    'abc',
    '0x12',
    'Infinity',
    'NaN',
    '1e',
    '--1',
    '1.2.3',
    '٣',
  ]) {
    t.equal(inRange({ gt: -1e9 }, value), false, JSON.stringify(value))
    t.equal(inRange({}, value), false, `${JSON.stringify(value)} without bounds`)
  }
  t.end()
})

t.test('a rule without conditions always matches', (t) => {
  const rule = buildRule(buildService(), { when: [], then: { variant: 'canary' } }, 0, 's')
  t.equal(isMatch(rule, buildFields()), true)
  t.end()
})
