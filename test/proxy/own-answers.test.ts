import t from 'tap'
import { answerClientError } from '../../src/proxy/client-error.ts'
import { startUpstream } from '../support/fake-upstream.ts'
import { parseAnswer, rawExchange } from '../support/raw-client.ts'
import { serviceWith, startGateway, variantAt } from '../support/start-gateway.ts'

t.test('what belongs to no service is answered with 404 or 405', async (t) => {
  const upstream = await startUpstream((_req, res) => res.end())
  const gateway = await startGateway([
    serviceWith([variantAt('baseline', upstream.origin)], {
      match: { path: '/m/*', methods: ['POST', 'PUT'], host: 'models.example' },
    }),
  ])
  t.teardown(() => Promise.all([gateway.close(), upstream.close()]))
  const ask = async (line: string, host: string) => {
    const bytes = `${line} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`
    return parseAnswer(await rawExchange(gateway.port, bytes))
  }
  t.equal((await ask('POST /m/x', 'Models.Example:8080')).status, 200)
  const unknown = await ask('POST /m/x', 'other')
  t.equal(unknown.status, 404)
  t.equal(unknown.field('x-serin-error'), 'SERIN_NO_ROUTE')
  const method = await ask('GET /m/x', 'models.example')
  t.equal(method.status, 405)
  t.equal(method.field('allow'), 'POST, PUT')
  t.equal((await ask('GET /%ff', 'a')).status, 404)
})

t.test('the health path says whether the gateway wants traffic, and no more', async (t) => {
  const gateway = await startGateway([])
  t.teardown(() => gateway.close())
  const ask = async () => {
    const bytes = 'GET /-/ready?x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n'
    return parseAnswer(await rawExchange(gateway.port, bytes))
  }
  t.match(await ask(), { status: 200, body: '' })
  gateway.state.isReady = false
  gateway.state.isDraining = true
  t.match(await ask(), { status: 503, body: '' })
})

t.test(
  'a mistake of ours before a request is taken in is answered, and the gateway lives on',
  async (t) => {
    const upstream = await startUpstream((_req, res) => res.end())
    let isBroken = true
    const observe = {
      get requestIdHeader(): string {
        if (isBroken) throw new Error('a mistake')
        return 'x-request-id'
      },
      prediction: null,
      sample: 1,
      numbers: [],
      awaitsEvents: false,
    }
    const variants = [variantAt('baseline', upstream.origin)]
    const gateway = await startGateway([serviceWith(variants, { observe })])
    t.teardown(() => Promise.all([gateway.close(), upstream.close()]))
    const ask = async () => {
      const bytes = 'GET /m/x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n'
      return parseAnswer(await rawExchange(gateway.port, bytes))
    }
    const broken = await ask()
    t.equal(broken.status, 500)
    t.equal(broken.field('x-serin-error'), 'SERIN_INTERNAL')
    t.match(gateway.errors, [{ err: { message: 'a mistake' } }])
    isBroken = false
    t.equal((await ask()).status, 200)
  },
)

t.test('a client that resets its connection gets no answer', async (t) => {
  let isDestroyed = false
  const socket = { writable: true, destroy: () => (isDestroyed = true), end: () => t.fail() }
  answerClientError({} as never, { code: 'ECONNRESET' }, socket as never)
  t.ok(isDestroyed)
})
