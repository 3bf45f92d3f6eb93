import t from 'tap'
import { readPost } from '../../src/feedback/read-post.ts'

const LINES = [
  '{"service":"a","requestId":"r","label":1}',
  '{"service":"b","requestId":"r","label":1}',
  '{"requestId":"r","label":1}',
  '{"service":"b"}',
].join('\n')

t.test('of a token for some services the lines that name one of them are read', async (t) => {
  const lines = readPost(LINES, 'application/x-ndjson', ['a', 'c'])
  t.equal(lines.size, 4)
  t.match(
    [...lines],
    [
      { line: 1, service: 'a', label: 1 },
      { line: 2, error: 'found service "b": the token is for a, c alone' },
      { line: 3, error: 'service is missing: the token is for a, c alone' },
      { line: 4, error: 'requestId or key is missing' },
    ],
  )
  t.same([...lines], [...lines], 'as often as they are taken')
})

t.test('of any other all lines are', async (t) => {
  const lines = [...readPost(LINES, 'application/x-ndjson', null)]
  t.equal(lines.filter((line) => 'label' in line).length, 3)
})
