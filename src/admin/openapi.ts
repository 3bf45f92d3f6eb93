import type { TObject, TSchema } from 'typebox'
import { ERRORS } from '../domain/errors.ts'
import { problemsOf, TAGS, type Answer, type Operation, type RequestBody } from './operation.ts'
import { ProblemSchema } from './schema-problem.ts'

/** A route of the server: an operation, or nothing that was described. */
export type DescribedRoute = {
  readonly method: string
  /** In Fastify's notation: `/services/:service`. */
  readonly url: string
  readonly operation: Operation
}

type Node = { readonly [key: string]: unknown }

/** Builds the OpenAPI 3.1 document of these routes. Schemas with a title become components. */
export function buildOpenapi(routes: readonly DescribedRoute[], version: string): Node {
  const schemas = new Map<string, Node>()
  const paths: Record<string, Record<string, Node>> = {}
  for (const { method, url, operation } of routes) {
    const path = url.replaceAll(/:(\w+)/g, '{$1}')
    paths[path] ??= {}
    paths[path][method.toLowerCase()] = describeOperation(operation, schemas)
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'serin',
      version,
      summary: 'The admin API of a canary gateway for model servers.',
      description: ABOUT,
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/', description: 'The admin port (admin.listen).' }],
    tags: Object.entries(TAGS).map(([name, description]) => ({ name, description })),
    paths,
    components: {
      schemas: Object.fromEntries([...schemas].sort(([a], [b]) => (a < b ? -1 : 1))),
      securitySchemes: {
        token: {
          type: 'http',
          scheme: 'bearer',
          description:
            'A token of `admin.tokens`. Its scopes: read, operate, feedback. Without any tokens, which only a loopback listener may be, none is asked for.',
        },
      },
    },
  }
}

const ABOUT = `Weights are in percent, times are ISO 8601 in UTC, and durations are in seconds where the name says so; \
\`null\` is what is not known. New fields may be added to answers; unknown fields of a request are refused.

Mistakes are told as problem details (RFC 9457) with a stable \`code\`. POST and PUT need a JSON content type. \
On a loopback listener the Host must be a loopback name or the configured one. HEAD is answered wherever GET is.`

function describeOperation(operation: Operation, schemas: Map<string, Node>): Node {
  const { id, tag, summary, description, scope, openOnLoopback, body } = operation
  const token = { token: scope === null ? [] : [scope] }
  return {
    operationId: id,
    tags: [tag],
    summary,
    description,
    security: scope === null ? [] : openOnLoopback === true ? [{}, token] : [token],
    parameters: describeParameters(operation, schemas),
    ...(body === undefined ? {} : { requestBody: describeBody(body, schemas) }),
    responses: {
      ...Object.fromEntries(
        Object.entries(operation.answers).map(([status, answer]) => [
          status,
          describeAnswer(answer, schemas),
        ]),
      ),
      ...describeProblems(operation, schemas),
    },
  }
}

function describeParameters(operation: Operation, schemas: Map<string, Node>): readonly Node[] {
  const of = (place: 'path' | 'query', object: TObject | undefined) =>
    Object.entries(object?.properties ?? {}).map(([name, schema]) => {
      const { description, ...rest } = toJson(schema, schemas)
      const required = object!.required?.includes(name) ?? false
      return { name, in: place, required, description, schema: rest }
    })
  const ifMatch = {
    name: 'If-Match',
    in: 'header',
    required: false,
    description:
      'The `ETag` of the service that the command is meant for, or `*`: 412 where it has changed since.',
    schema: { type: 'string', examples: ['"5"'] },
  }
  return [
    ...of('path', operation.params),
    ...of('query', operation.query),
    ...(operation.ifMatch === true ? [ifMatch] : []),
  ]
}

function describeBody(body: RequestBody, schemas: Map<string, Node>): Node {
  const schema = toJson(body.schema, schemas)
  return {
    required: body.readByLines === true,
    description: `At most ${body.limitBytes / 1024} KiB.`,
    content: Object.fromEntries(
      body.contentTypes.map((type) => [type, { schema, example: body.example }]),
    ),
  }
}

function describeAnswer(answer: Answer, schemas: Map<string, Node>): Node {
  const { description, contentType = 'application/json', etag, example } = answer
  const schema = toJson(answer.schema, schemas)
  return {
    description,
    ...(etag === true ? { headers: { ETag: ETAG } } : {}),
    content: { [contentType]: { schema, ...(example === undefined ? {} : { example }) } },
  }
}

const ETAG: Node = {
  description: 'The revision of the rollout or fixed split; absent where there is neither.',
  schema: { type: 'string', pattern: '^"\\d+"$', examples: ['"5"'] },
}

function describeProblems(operation: Operation, schemas: Map<string, Node>): Node {
  return Object.fromEntries(
    [...problemsOf(operation)].map(([status, codes]) => {
      const problem = toJson(ProblemSchema, schemas)
      const description = codes.map((code) => `\`${code}\`: ${ERRORS[code].detail}`).join(' ')
      const schema = {
        ...problem,
        properties: { status: { const: status }, code: { enum: codes } },
      }
      return [status, { description, content: { 'application/problem+json': { schema } } }]
    }),
  )
}

/** A schema as JSON; whatever has a title in it becomes a component of this name. */
function toJson(schema: TSchema, schemas: Map<string, Node>): Node {
  // What may be left out is marked by a symbol: only what JSON keeps is the schema.
  return refer(JSON.parse(JSON.stringify(schema)) as Node, schemas) as Node
}

function refer(node: unknown, schemas: Map<string, Node>): unknown {
  if (Array.isArray(node)) return node.map((item) => refer(item, schemas))
  if (typeof node !== 'object' || node === null) return node
  const { title } = node as Node
  const isNamed = typeof title === 'string'
  const inside = Object.fromEntries(
    Object.entries(node)
      .filter(([key]) => !isNamed || key !== 'title')
      .map(([key, value]) => [key, key === 'examples' ? value : refer(value, schemas)]),
  )
  if (!isNamed) return inside
  schemas.set(title, inside)
  return { $ref: `#/components/schemas/${title}` }
}
