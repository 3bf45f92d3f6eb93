import { Ajv, type AnySchema } from 'ajv'
import t from 'tap'
import { createAdminServer } from '../../src/admin/admin-plugin.ts'
import { createFakeDeps, LOOPBACK } from './fake-deps.ts'

t.test('schemas are compiled before the first request, and are such', async (t) => {
  const compile = Reflect.get(Ajv.prototype, 'compile') as (schema: AnySchema) => unknown
  const compiled = t.capture(Ajv.prototype, 'compile', compile)
  const app = createAdminServer(createFakeDeps(), LOOPBACK)
  t.teardown(() => app.close())
  await app.ready()
  const schemas = compiled().map(({ args }) => args[0])
  t.ok(schemas.length > 10)
  const strict = new Ajv()
  for (const schema of schemas) t.ok(strict.validateSchema(schema), JSON.stringify(schema))
  for (const asked of [
    { method: 'GET', url: '/api/v1/services/credit-risk' },
    { method: 'GET', url: '/api/v1/services/credit-risk/decisions?limit=3' },
    { method: 'POST', url: '/api/v1/services/credit-risk/pause', payload: {} },
  ] as const) {
    t.equal((await app.inject(asked)).statusCode, 200)
  }
  t.same(compiled(), [], 'none is with a request')
})
