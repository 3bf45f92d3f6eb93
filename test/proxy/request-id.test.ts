import t from 'tap'
import { parseAnswer, rawExchange } from '../support/raw-client.ts'
import { get, startWitness } from '../support/witness.ts'

t.test('a request id is kept, echoed, and made where there is none or a bad one', async (t) => {
  const { upstream, gateway } = await startWitness(t)
  const ask = async (lines: readonly string[]) =>
    parseAnswer(await rawExchange(gateway.port, get('/m/x', lines)))
  t.equal((await ask(['X-Request-ID: abc'])).field('x-request-id'), 'abc')
  t.ok(upstream.seen[0]!.rawHeaders.includes('X-Request-ID'))
  t.equal((await ask([])).field('x-request-id'), 'id-1')
  t.equal(upstream.seen[1]!.headers['x-request-id'], 'id-1')
  t.equal((await ask([`X-Request-Id: ${'x'.repeat(201)}`])).field('x-request-id'), 'id-2')
  t.equal((await ask(['X-Request-Id: a b'])).field('x-request-id'), 'id-3')
  t.same(
    gateway.recorder.begun.map(({ requestId }) => requestId),
    ['abc', 'id-1', 'id-2', 'id-3'],
  )
})
