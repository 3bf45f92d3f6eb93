import t from 'tap'
import type { FieldSource, RuleSpec } from '../../src/domain/service.ts'
import { bodyPointers, readCookie, readQuery } from '../../src/routing/fields.ts'
import { buildService } from './build-service.ts'

t.test('a cookie is found by its exact name and given raw', (t) => {
  const header = 'a=1; session=x%20y=z; SESSION=upper; empty=; q="quoted"'
  t.equal(readCookie(header, 'a'), '1')
  t.equal(readCookie(header, 'session'), 'x%20y=z')
  t.equal(readCookie(header, 'SESSION'), 'upper')
  t.equal(readCookie(header, 'empty'), '')
  t.equal(readCookie(header, 'q'), '"quoted"')
  for (const name of ['sess', 'ession', 'b', 'x%20y']) t.equal(readCookie(header, name), null, name)
  t.equal(readCookie('', 'a'), null)
  t.end()
})

t.test('the first of several cookies with a name counts', (t) => {
  t.equal(readCookie('a=1; a=2', 'a'), '1')
  t.end()
})

t.test('blanks around a cookie pair and pairs without a value are tolerated', (t) => {
  const header = ' \t flag ;;a=1 \t; b =2;c= 3;'
  t.equal(readCookie(header, 'a'), '1')
  t.equal(readCookie(header, 'flag'), null)
  t.equal(readCookie(header, 'b'), null)
  t.equal(readCookie(header, 'c'), ' 3')
  t.end()
})

t.test('a cookie keeps every byte of UTF-8', (t) => {
  // à is C3 A0: A0 alone would be a no-break space.
  t.equal(readCookie('ville=l\u00c3\u00a0; x=1', 'ville'), 'l\u00c3\u00a0')
  t.equal(readCookie('n\u00c3\u00a0=1', 'nà'), '1')
  t.end()
})

t.test('a query parameter is found by its exact name and given raw', (t) => {
  const url = '/p?age=18&name=J%C3%BC+rgen=x&flag&empty=&age=99&agency=1'
  t.equal(readQuery(url, 'age'), '18')
  t.equal(readQuery(url, 'name'), 'J%C3%BC+rgen=x')
  t.equal(readQuery(url, 'flag'), '')
  t.equal(readQuery(url, 'empty'), '')
  t.equal(readQuery(url, 'agency'), '1')
  for (const name of ['ag', 'ame', '18', 'fla']) t.equal(readQuery(url, name), null, name)
  t.end()
})

t.test('a target without a query has no parameters', (t) => {
  t.equal(readQuery('/age=18', 'age'), null)
  t.equal(readQuery('/p?', 'age'), null)
  t.equal(readQuery('/p?&&', 'age'), null)
  t.equal(readQuery('/p?a=1?age=18', 'age'), null)
  t.equal(readQuery('/p?age', 'age'), '')
  t.end()
})

t.test('a query name that would run over its parameter does not match', (t) => {
  t.equal(readQuery('/p?a&b=1', 'a&b'), null)
  t.end()
})

t.test('body pointers are those of the key and the rules, each once', (t) => {
  const key: FieldSource = { from: 'body', pointer: '/user' }
  const rule = (...fields: FieldSource[]): RuleSpec => ({
    when: fields.map((field) => ({ field, test: 'prefix', prefix: '' })),
    then: { variant: 'canary' },
  })
  const rules = [
    rule({ from: 'header', name: 'x' }, { from: 'body', pointer: '/tier' }),
    rule({ from: 'body', pointer: '/user' }, { from: 'body', pointer: '/a/0' }, { from: 'ip' }),
  ]
  const of = (split: object) => bodyPointers(buildService({ split }))
  t.strictSame(of({ key, rules }), { all: ['/user', '/tier', '/a/0'], deciding: 3 })
  t.strictSame(of({ rules }), { all: ['/tier', '/user', '/a/0'], deciding: 3 })
  t.strictSame(of({ key: { from: 'ip' } }), { all: [], deciding: 0 })
  t.strictSame(of({}), { all: [], deciding: 0 })
  t.end()
})
