import t from 'tap'
import { createAdminServer } from '../../src/admin/admin-plugin.ts'
import { createFakeDeps, LOOPBACK } from './fake-deps.ts'

const URLS = ['/', '/openapi.json', '/readyz', '/api/v1/services', '/api/v1/config', '/nowhere']

t.test('Every answer says that it is not to be stored or sniffed.', async (t) => {
  const app = createAdminServer(createFakeDeps(), LOOPBACK)
  t.teardown(() => app.close())
  for (const url of URLS) {
    const { headers } = await app.inject({ url, headers: { origin: 'https://evil.example' } })
    t.equal(headers['cache-control'], 'no-store', url)
    t.equal(headers['x-content-type-options'], 'nosniff', url)
    t.equal(headers['access-control-allow-origin'], undefined, url)
    t.equal(headers['set-cookie'], undefined, url)
  }
})

t.test(
  'An address that is none, and a name that is too long, are problems like others.',
  async (t) => {
    const app = createAdminServer(createFakeDeps(), LOOPBACK)
    t.teardown(() => app.close())
    for (const name of ['%zz', 'x'.repeat(101)]) {
      const response = await app.inject(`/api/v1/services/${name}?token=secret`)
      t.match(response.headers['content-type'], /^application\/problem\+json/)
      t.match(response.json(), { status: 400, code: 'SERIN_BAD_REQUEST', title: 'Bad request' })
      t.equal(response.json().instance, `/api/v1/services/${name}`)
    }
  },
)
