import t from 'tap'
import { createLog } from '../src/create-log.ts'

t.test('an error is logged with the causes that its message does not tell already', async (t) => {
  const lines: string[] = []
  const log = createLog({ write: (line) => lines.push(line) })
  const messageOf = (err: unknown) => {
    log.error({ err }, 'it failed')
    return (JSON.parse(lines.at(-1)!) as { err: { message: string } }).err.message
  }
  const inner = new Error('connection refused')
  const outer = new Error('no connection (connection refused)', { cause: inner })
  const told = new Error(`cannot read: ${outer.message}`, { cause: outer })
  t.equal(messageOf(told), 'cannot read: no connection (connection refused)')
  t.equal(
    messageOf(new Error('fetch failed', { cause: outer })),
    'fetch failed: no connection (connection refused)',
  )
  const round = new Error('round')
  round.cause = round
  t.equal(messageOf(round), 'round')
  t.equal(messageOf({ message: 'no error' }), 'no error')
})
