import { Validator } from '@seriousme/openapi-schema-validator'
import t from 'tap'
import { createAdminServer } from '../../src/admin/admin-plugin.ts'
import { ERRORS } from '../../src/domain/errors.ts'
import { Contract, placesOf, readDocument, type SchemaObject } from './contract.ts'
import { createFakeDeps, LOOPBACK, NOW } from './fake-deps.ts'

const document = await readDocument()
const places = placesOf(document)
const contract = new Contract(document)

t.test('The document is OpenAPI 3.1, by its schema.', async (t) => {
  const validator = new Validator()
  const result = await validator.validate(structuredClone(document) as never)
  t.ok(result.valid, JSON.stringify(result.errors))
  t.equal(validator.version, '3.1')
  t.equal(document.info.version, '0.1.0')
})

t.test('It is public where everything else needs a token.', async (t) => {
  const app = createAdminServer(createFakeDeps(), {
    listen: { host: '0.0.0.0', port: 9090 },
    tokens: [
      {
        name: 'ops',
        token: 'operator-token',
        scopes: ['read'],
        services: null,
        expiresAt: NOW + 1,
      },
    ],
  })
  t.teardown(() => app.close())
  const response = await app.inject('/openapi.json')
  t.equal(response.statusCode, 200)
  t.same(response.json(), document)
  t.equal((await app.inject('/api/v1/services')).statusCode, 401)
})

t.test('Every route is described, and nothing else is.', async (t) => {
  const app = createAdminServer(createFakeDeps(), LOOPBACK)
  t.teardown(() => app.close())
  await app.ready()
  const described = places.map(({ method, path }) => `${method.toUpperCase()} ${path}`)
  // The files of the dashboard are no part of the API.
  const routes = routesOf(app.printRoutes({ commonPrefix: false })).filter(
    (route) => route !== 'GET /assets/{file}',
  )
  t.same(described.toSorted(), routes.toSorted())
})

/** Reads Fastify's tree of routes: `├── /api (GET, HEAD)`, four characters a level. */
function routesOf(tree: string): readonly string[] {
  const parents: string[] = []
  return tree.split('\n').flatMap((line) => {
    const [, indent, part, methods] = /^([│├└─\s]*)(\S+)(?: \((.+)\))?/.exec(line) ?? []
    if (part === undefined) return []
    const depth = indent!.length / 4 - 1
    parents.splice(depth, Infinity, part)
    const path = parents.join('').replaceAll(/:(\w+)/g, '{$1}')
    const own = methods?.split(', ').filter((method) => method !== 'HEAD') ?? []
    return own.map((method) => `${method} ${path}`)
  })
}

t.test('Every operation says what it is, with examples that are right.', async (t) => {
  const ids = places.map(({ operation }) => operation.operationId)
  t.equal(new Set(ids).size, ids.length, 'ids are unique')
  const tags = document.tags.map(({ name }) => name)
  for (const { method, path, operation } of places) {
    const { operationId: id, summary, description, requestBody, responses } = operation
    t.match(id, /^[a-z][A-Za-z]+$/)
    t.match(summary, /^[A-Z].{3,60}[^.]$/, id)
    t.match(description, /\.$/, id)
    t.ok(tags.includes(operation.tags[0]!), id)
    for (const parameter of operation.parameters) t.match(parameter.description, /\.$/, id)
    const base = ['paths', path, method]
    for (const [type, { example }] of Object.entries(requestBody?.content ?? {})) {
      const at = [...base, 'requestBody', 'content', type, 'schema']
      t.not(example, undefined, `${id} has a body without an example`)
      t.same(contract.validate(at, example), [], `example of ${id}`)
    }
    for (const [status, { content, description: about }] of Object.entries(responses)) {
      t.ok(about.length > 2, `${id} ${status}`)
      for (const [type, { schema, example }] of Object.entries(content)) {
        const at = [...base, 'responses', status, 'content', type, 'schema']
        const named = document.components.schemas[String(schema['$ref']).split('/').at(-1)!]
        const examples = example === undefined ? (named?.['examples'] ?? []) : [example]
        t.ok((examples as unknown[]).length > 0, `${id} ${status} has no example`)
        if (Number(status) >= 400 && type === 'application/problem+json') continue
        for (const each of examples as unknown[])
          t.same(contract.validate(at, each), [], `example of ${id} ${status}`)
      }
    }
  }
  for (const [name, schema] of Object.entries(document.components.schemas)) {
    t.type(schema['description'], 'string', name)
    for (const example of (schema['examples'] ?? []) as unknown[])
      t.same(contract.validate(['components', 'schemas', name], example), [], name)
  }
})

t.test('Every operation lists the errors that follow from what it takes.', async (t) => {
  for (const { operation } of places) {
    const { operationId: id, security, parameters, requestBody, responses } = operation
    const codes = Object.values(responses).flatMap(({ content }) => {
      const schema = content['application/problem+json']?.schema as SchemaObject | undefined
      const { code, status } = (schema?.['properties'] ?? {}) as {
        code?: { enum: (keyof typeof ERRORS)[] }
        status?: { const: number }
      }
      for (const each of code?.enum ?? [])
        t.equal(ERRORS[each].status, status!.const, `${id} ${each}`)
      return code?.enum ?? []
    })
    const expected = [
      ...(security.length > 0 ? (['SERIN_UNAUTHENTICATED', 'SERIN_FORBIDDEN'] as const) : []),
      ...(parameters.some((p) => p.in === 'path') ? (['SERIN_UNKNOWN_SERVICE'] as const) : []),
      ...(parameters.some((p) => p.in === 'query') ? (['SERIN_BAD_REQUEST'] as const) : []),
      ...(requestBody === undefined
        ? []
        : ([
            ...['SERIN_BAD_REQUEST', 'SERIN_BODY_TOO_LARGE', 'SERIN_UNSUPPORTED_MEDIA_TYPE'],
          ] as (keyof typeof ERRORS)[])),
    ]
    for (const code of expected) t.ok(codes.includes(code), `${id} ${code}`)
  }
})
