import t from 'tap'
import { parseAnswer, rawExchange } from '../../support/raw-client.ts'
import { get, startCanned, startWitness } from '../../support/witness.ts'

const RULE = 'repeated fields (RFC 9110 5.3)'
const BYTES = 'field values (RFC 9110 5.5)'
const ORIGIN = 'origin fields (RFC 9110 6.6.1)'

t.test(`${RULE}: those of a request keep their order, case, number and bytes`, async (t) => {
  const { port, received } = await startWitness(t)
  const lines = ['X-B: 1', 'x-a: caf\xe9', 'X-b: 2', 'Cookie: a=1', 'Accept: x', 'cookie: b=2']
  lines.push('X-Empty: ', 'X-B: 1')
  await rawExchange(port, get('/m/x', lines))
  t.ok(received().includes(`\r\n${lines.join('\r\n')}\r\n`), received())
})

t.test(`${RULE}: those of an answer keep their order, case, number and bytes`, async (t) => {
  const head = 'X-Z: \xe9\x80\r\nSet-Cookie: a=1\r\nset-cookie: b=2\r\nX-A: 1\r\nVary: x\r\nx-a: 2'
  const canned = `HTTP/1.1 201 Sehr gut\r\n${head}\r\nContent-Length: 2\r\n\r\nok`
  const gateway = await startCanned(t, canned)
  const text = await rawExchange(gateway.port, get('/m/x'))
  t.match(parseAnswer(text), { status: 201, reason: 'Sehr gut', body: 'ok' })
  t.ok(text.includes(head), text)
})

t.test(`${BYTES}: whitespace around a value is not a part of it`, async (t) => {
  const { port, received } = await startWitness(t)
  await rawExchange(port, get('/m/x', ['X-A:\t1 2 \t ']))
  t.match(received(), '\r\nX-A: 1 2\r\n')
})

t.test(`${BYTES}: a reason that is not ASCII is replaced by the usual one`, async (t) => {
  const gateway = await startCanned(t, 'HTTP/1.1 200 Tr\xe8s bien\r\nContent-Length: 0\r\n\r\n')
  t.match(parseAnswer(await rawExchange(gateway.port, get('/m/x'))), { status: 200, reason: 'OK' })
})

t.test(
  `${ORIGIN}: Date and Server are the upstream's, and a Date is added if missing`,
  async (t) => {
    const date = 'Tue, 01 Apr 2025 00:00:00 GMT'
    const canned = `HTTP/1.1 200 OK\r\nDate: ${date}\r\nServer: uvicorn\r\nContent-Length: 0\r\n\r\n`
    const gateway = await startCanned(t, canned)
    const answer = parseAnswer(await rawExchange(gateway.port, get('/m/x')))
    t.same(
      answer.lines.filter((line) => /^(date|server):/i.test(line)),
      [`Date: ${date}`, 'Server: uvicorn'],
    )
    const bare = await startCanned(t, 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n')
    const added = parseAnswer(await rawExchange(bare.port, get('/m/x')))
    t.type(added.field('date'), 'string')
    t.equal(added.field('server'), null)
  },
)
