import t from 'tap'
import { EventParser } from '../../../src/admin/dashboard/link/event-parser.ts'

const TEXT =
  'event: snapshot\ndata: {"a":1}\n\n: alive\n\nid: 17\nevent: decision\ndata: {"b":"x: y"}\n\n'
const EVENTS = [
  { name: 'snapshot', data: '{"a":1}' },
  { name: 'decision', data: '{"b":"x: y"}' },
]

t.test('events are read however they are cut into pieces', (t) => {
  for (let size = 1; size <= TEXT.length; size++) {
    const parser = new EventParser()
    const events = []
    for (let at = 0; at < TEXT.length; at += size) {
      events.push(...parser.push(TEXT.slice(at, at + size)))
    }
    t.same(events, EVENTS, `pieces of ${size}`)
    t.equal(parser.lastId, '17')
  }
  t.end()
})

t.test('lines of data are joined, line ends may be of any kind, and nothing half is told', (t) => {
  const parser = new EventParser()
  t.same(parser.push('data: one\r\ndata:two\r\nretry: 5\r\n\r\n'), [{ name: '', data: 'one\ntwo' }])
  t.same(parser.push('event: lost\n\nevent: half\ndata: 1\n'), [])
  t.same(parser.push('\n'), [{ name: 'half', data: '1' }])
  t.equal(parser.lastId, null)
  t.same(
    parser.push('data: a\u2028b\u2029c\n\n'),
    [{ name: '', data: 'a\u2028b\u2029c' }],
    'no line ends',
  )
  t.end()
})
