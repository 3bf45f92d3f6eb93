import t from 'tap'
import { parseAnswer, rawExchange } from '../../support/raw-client.ts'
import { serviceWith, startGateway, variantAt } from '../../support/start-gateway.ts'
import { get, startCanned, startWitness } from '../../support/witness.ts'

const RULE = 'path bytes (RFC 3986 6.2.2)'
const LOCATION = 'Location and cookies (RFC 9110 10.2.2)'

const witness = await startWitness(t)

t.test(`${RULE}: path and query pass byte for byte, and undecodable ones too`, async (t) => {
  const paths = [
    '/m/a/./b//c?x=%2F&y',
    '/m/a/../b',
    '/m/a/%2e%2e/%2E/x',
    '/m//x',
    '/m/%ff',
    '/m/%zz',
    '/m/%',
    '/m/%00',
    '/m/meta%2Fllama:predict?',
    '/m/a;b\\c',
    '/m/"<>^`{|}',
    '/m/x??a=http://b/../c',
    `/m/${'x'.repeat(8000)}`,
  ]
  for (const path of paths) {
    witness.forget()
    await rawExchange(witness.port, get(path))
    t.equal(witness.received().slice(0, path.length + 15), `GET ${path} HTTP/1.1\r\n`)
  }
})

t.test(`${RULE}: dot segments do not lead out of a service`, async (t) => {
  witness.forget()
  const escapes = ['../x', '..', 'a/../../x', '%2e%2e/x', '.%2E', '..%2fx', 'a%2f..%2F..', '..\\x']
  for (const rest of [...escapes, 'a%2fb/../../x', './../x', '/../x', 'a//../../x', '..?x']) {
    const answer = parseAnswer(await rawExchange(witness.port, get(`/m/${rest}`)))
    t.equal(answer.status, 400, rest)
    t.match(answer.body, 'lead out of the service')
  }
  t.equal(witness.received(), '')
})

t.test(`${RULE}: a rewritten prefix changes, and the rest keeps its bytes`, async (t) => {
  const rewritten = variantAt('baseline', witness.upstream.origin, { path: '/other/*' })
  const gateway = await startGateway([serviceWith([rewritten])])
  t.teardown(() => gateway.close())
  for (const rest of ['x/y?q=1', '%20%C3%A9', '%252e%252e/x', 'x?a=/../b', '...', 'a..b', '%zz']) {
    witness.forget()
    await rawExchange(gateway.port, get(`/m/${rest}`))
    t.match(witness.received(), `GET /other/${rest} HTTP/1.1\r\n`)
  }
})

t.test(`${RULE}: a rewritten prefix cannot be escaped`, async (t) => {
  const rewritten = variantAt('baseline', witness.upstream.origin, { path: '/other/*' })
  const gateway = await startGateway([serviceWith([rewritten])])
  t.teardown(() => gateway.close())
  witness.forget()
  const escapes = ['../x', './x', 'a/..', '%2e%2e/x', '.%2E/x', '%2e', 'a%2fb', 'a%5cb', 'a\\b']
  for (const rest of [...escapes, 'a%00b']) {
    const answer = parseAnswer(await rawExchange(gateway.port, get(`/m/${rest}`)))
    t.equal(answer.status, 400, rest)
  }
  t.equal(witness.received(), '')
})

t.test(`${LOCATION}: they pass as they are`, async (t) => {
  const head = 'Location: http://127.0.0.1:8000/a/../b\r\nSet-Cookie: a=1; Path=/; Domain=x'
  const gateway = await startCanned(t, `HTTP/1.1 302 X\r\n${head}\r\nContent-Length: 0\r\n\r\n`)
  t.ok((await rawExchange(gateway.port, get('/m/x'))).includes(head))
})
