import t from 'tap'
import type { FieldSource } from '../../src/domain/service.ts'
import { bodyPointers } from '../../src/routing/fields.ts'
import { buildSegmentation, readSegment } from '../../src/routing/segment.ts'
import { buildFields } from './build-fields.ts'
import { buildService } from './build-service.ts'

const VALUES = ['gold', 'größer']

t.test('a request is of the segment that its field names byte by byte, else of `other`', (t) => {
  const fields = buildFields({
    headers: { tier: 'gold', utf8: 'gr\u00c3\u00b6\u00c3\u009fer', odd: 'Gold', empty: '' },
    cookies: { tier: 'gold' },
    query: { tier: 'tin' },
    body: { '/tier': 'gold' },
  })
  const of = (from: FieldSource) => readSegment(buildSegmentation({ from, values: VALUES }), fields)
  t.equal(of({ from: 'header', name: 'tier' }), 'gold')
  t.equal(of({ from: 'header', name: 'utf8' }), 'größer')
  t.equal(of({ from: 'header', name: 'odd' }), 'other')
  t.equal(of({ from: 'header', name: 'empty' }), 'other')
  t.equal(of({ from: 'header', name: 'absent' }), 'other')
  t.equal(of({ from: 'cookie', name: 'tier' }), 'gold')
  t.equal(of({ from: 'query', name: 'tier' }), 'other')
  t.equal(of({ from: 'body', pointer: '/tier' }), 'gold')
  t.end()
})

t.test('a service without segments tells no request apart', (t) => {
  t.equal(buildSegmentation(undefined), null)
  t.equal(readSegment(null, buildFields()), null)
  t.end()
})

t.test('a pointer of the segments is read behind those that decide', (t) => {
  const service = buildService({ split: { key: { from: 'body', pointer: '/user' } } })
  const pointersWith = (from: FieldSource) =>
    bodyPointers({ ...service, observe: { ...service.observe, segment: { from, values: VALUES } } })
  t.strictSame(pointersWith({ from: 'body', pointer: '/tier' }), {
    all: ['/user', '/tier'],
    deciding: 1,
  })
  t.strictSame(pointersWith({ from: 'body', pointer: '/user' }), { all: ['/user'], deciding: 1 })
  t.strictSame(pointersWith({ from: 'header', name: 'x' }), { all: ['/user'], deciding: 1 })
  t.end()
})
