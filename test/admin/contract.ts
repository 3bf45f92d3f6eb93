import { Ajv2020, type AnySchema, type ValidateFunction } from 'ajv/dist/2020.js'
import type { InjectOptions, LightMyRequestResponse } from 'fastify'
import { createAdminServer } from '../../src/admin/admin-plugin.ts'
import type { AdminDeps } from '../../src/admin/admin-deps.ts'
import type { AdminConfig } from '../../src/config/config.ts'
import { createFakeDeps, LOOPBACK } from './fake-deps.ts'

/** An OpenAPI document, as far as these tests look into it. */
export type Document = {
  readonly info: { readonly version: string; readonly description: string }
  readonly tags: readonly { readonly name: string; readonly description: string }[]
  readonly paths: Readonly<Record<string, Readonly<Record<string, OperationObject>>>>
  readonly components: { readonly schemas: Readonly<Record<string, SchemaObject>> }
}

export type OperationObject = {
  readonly operationId: string
  readonly summary: string
  readonly description: string
  readonly tags: readonly string[]
  readonly security: readonly Readonly<Record<string, readonly string[]>>[]
  readonly parameters: readonly {
    readonly name: string
    readonly in: string
    readonly required: boolean
    readonly description: string
    readonly schema: SchemaObject
  }[]
  readonly requestBody?: { readonly description: string; readonly content: Content }
  readonly responses: Readonly<
    Record<
      string,
      {
        readonly description: string
        readonly headers?: Readonly<Record<string, unknown>>
        readonly content: Content
      }
    >
  >
}

export type SchemaObject = { readonly [keyword: string]: unknown }

type Content = Readonly<
  Record<string, { readonly schema: SchemaObject; readonly example?: unknown }>
>

/** One operation with its place. */
export type Place = {
  readonly method: string
  readonly path: string
  readonly operation: OperationObject
}

/** The document that a fresh server serves. */
export async function readDocument(): Promise<Document> {
  const app = createAdminServer(createFakeDeps(), LOOPBACK)
  const document = (await app.inject('/openapi.json')).json<Document>()
  await app.close()
  return document
}

/** Every operation of a document. */
export function placesOf({ paths }: Document): readonly Place[] {
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ method, path, operation })),
  )
}

/** Holds answers against a document. Here objects are closed: an answer has no field that is not described. */
export class Contract {
  readonly places: readonly Place[]
  /** `operationId status` of every answer that was looked at. */
  readonly seen = new Set<string>()
  readonly #ajv = new Ajv2020({ strict: false, allErrors: true })
  readonly #compiled = new Map<string, ValidateFunction>()

  constructor(document: Document) {
    this.places = placesOf(document)
    this.#ajv.addSchema(close(document) as AnySchema, 'api')
  }

  /** What is wrong with an answer; empty = nothing. */
  check(method: string, url: string, response: LightMyRequestResponse): readonly string[] {
    const place = this.#find(method, url)
    if (place === undefined) return [`${method} ${url} is not described`]
    const { operationId, responses } = place.operation
    const status = String(response.statusCode)
    const found = responses[status]
    if (found === undefined) return [`${operationId} answers ${status}: ${response.body}`]
    this.seen.add(`${operationId} ${status}`)
    const type = String(response.headers['content-type']).split(';')[0]!
    if (!(type in found.content)) return [`${operationId} ${status} has the type ${type}`]
    const etag = response.headers.etag
    if (found.headers?.['ETag'] !== undefined && !/^"\d+"$/.test(etag ?? '"0"')) {
      return [`${operationId} ${status} has the ETag ${etag}`]
    }
    const body: unknown = type.endsWith('json') ? response.json() : response.body
    const at = ['paths', place.path, place.method, 'responses', status, 'content', type, 'schema']
    return this.validate(at, body).map((error) => `${operationId} ${status}: ${error}`)
  }

  /** What is wrong with a value by the schema at a place of the document. */
  validate(at: readonly string[], value: unknown): readonly string[] {
    const pointer = at.map((part) => part.replaceAll('~', '~0').replaceAll('/', '~1')).join('/')
    const validate =
      this.#compiled.get(pointer) ?? this.#ajv.compile({ $ref: `api#/${encodeURI(pointer)}` })
    this.#compiled.set(pointer, validate)
    if (validate(value)) return []
    return validate.errors!.map((e) => `${e.instancePath} ${e.message} ${JSON.stringify(e.params)}`)
  }

  #find(method: string, url: string): Place | undefined {
    const path = url.split('?')[0]!
    return this.places.find(
      (place) =>
        place.method === method.toLowerCase() &&
        new RegExp(`^${place.path.replaceAll(/\{\w+\}/g, '[^/]+')}$`).test(path),
    )
  }
}

/** Sends one request to a server of its own, and holds the answer against the contract. */
export async function ask(
  contract: Contract,
  options: InjectOptions & { readonly method: string; readonly url: string },
  changes: Partial<AdminDeps> = {},
  config: AdminConfig = LOOPBACK,
): Promise<{ readonly response: LightMyRequestResponse; readonly wrong: readonly string[] }> {
  const app = createAdminServer(createFakeDeps(changes), config)
  const response = await app.inject(options as InjectOptions)
  await app.close()
  return { response, wrong: contract.check(options.method, options.url, response) }
}

/** The same schema without room for fields that it does not name; problems may have members of their own. */
function close(node: unknown, name = ''): unknown {
  if (Array.isArray(node)) return node.map((item) => close(item))
  if (typeof node !== 'object' || node === null) return node
  const closed = Object.fromEntries(
    Object.entries(node).map(([key, value]) => [
      key,
      key === 'example' || key === 'examples' ? value : close(value, key),
    ]),
  )
  const { properties = {} } = node as { readonly properties?: object }
  const isOpen =
    Object.keys(properties).length === 0 || '$ref' in node || 'additionalProperties' in node
  return isOpen || name === 'Problem' ? closed : { ...closed, additionalProperties: false }
}
