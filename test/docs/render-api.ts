import type { Document, OperationObject, Place, SchemaObject } from '../admin/contract.ts'
import { placesOf } from '../admin/contract.ts'
import { code, fence, table } from './markdown.ts'

/** Writes an OpenAPI document as a page. */
export function renderApi(document: Document): string {
  const places = placesOf(document)
  const { schemas } = document.components
  return [
    '# The admin API',
    'Made from `/openapi.json`, which the admin port serves to everybody, by `npm run docs:api`. The command line does all of this too: `serin --help`.',
    document.info.description,
    fence(
      'sh',
      `curl -H 'authorization: Bearer '"$SERIN_TOKEN" http://127.0.0.1:9090/api/v1/services
curl -X POST -H 'authorization: Bearer '"$SERIN_TOKEN" -H 'content-type: application/json' \\
  -H 'if-match: "5"' -d '{"reason":"wrong model file"}' http://127.0.0.1:9090/api/v1/services/credit-risk/abort`,
    ),
    'Three scopes: `read` sees everything but secrets, `operate` changes weights and rollouts, `feedback` sends labels and events. A token has those that the configuration gives it; none includes another. With `services` it operates these alone, and sends feedback for these alone, each line of which has to name one; it reads all.',
    ...document.tags.flatMap(({ name, description }) => [
      `## ${name[0]!.toUpperCase()}${name.slice(1)}`,
      description,
      ...places.filter(({ operation }) => operation.tags.includes(name)).flatMap(renderOperation),
    ]),
    '## Schemas',
    ...Object.entries(schemas).flatMap(([name, schema]) => renderSchema(name, schema)),
  ].join('\n\n')
}

function renderOperation({ method, path, operation }: Place): readonly string[] {
  const { summary, description, parameters, requestBody, responses } = operation
  const body = Object.entries(requestBody?.content ?? {})
  return [
    `### ${method.toUpperCase()} ${path}`,
    `${summary}. ${description}`,
    `Scope: ${describeScope(operation)}. Operation id: \`${operation.operationId}\`.`,
    ...(parameters.length === 0
      ? []
      : [
          table(
            ['parameter', 'in', 'type', 'meaning'],
            parameters.map(({ name, in: place, required, schema, description: about }) => [
              code(name),
              place,
              describeType(schema),
              `${about}${required ? '' : describeDefault(schema)}`,
            ]),
          ),
        ]),
    ...(body.length === 0
      ? []
      : [
          `Body (${body.map(([type]) => code(type)).join(' or ')}; ${requestBody!.description.replace(/^A/, 'a').replace(/\.$/, '')}):`,
          ...renderFields(body[0]![1].schema),
          fence('json', JSON.stringify(body[0]![1].example)),
        ]),
    table(
      ['status', 'type', 'when'],
      Object.entries(responses).map(([status, { description: about, content }]) => [
        status,
        describeInline(Object.values(content)[0]!.schema),
        about,
      ]),
    ),
  ]
}

function describeScope({ security }: OperationObject): string {
  const scopes = security.flatMap((each) => each['token'] ?? [])
  if (scopes.length === 0) return 'none'
  const isOptional = security.some((each) => !('token' in each))
  return `${scopes.map(code).join(', ')}${isOptional ? ', none on a loopback listener' : ''}`
}

function describeDefault(schema: SchemaObject): string {
  return 'default' in schema ? ` Default: ${code(schema['default'])}.` : ''
}

function renderSchema(name: string, schema: SchemaObject): readonly string[] {
  const examples = (schema['examples'] ?? []) as readonly unknown[]
  return [
    `### ${name}`,
    String(schema['description']),
    ...renderFields(schema),
    ...examples.map((example) => fence('json', JSON.stringify(example, null, 2))),
  ]
}

function renderFields(schema: SchemaObject): readonly string[] {
  if ('$ref' in schema) return [describeType(schema)]
  const rows = fieldsOf(schema, '')
  return rows.length === 0 ? [] : [table(['field', 'type', 'meaning'], rows)]
}

/** The fields of an object, those of objects within it behind a dot. */
function fieldsOf(schema: SchemaObject, prefix: string): readonly (readonly string[])[] {
  const required = (schema['required'] ?? []) as readonly string[]
  const properties = (schema['properties'] ?? {}) as Readonly<Record<string, SchemaObject>>
  return Object.entries(properties).flatMap(([key, field]) => {
    const name = `${prefix}${key}`
    const optional = required.includes(key) || schema['additionalProperties'] === false ? '' : '?'
    return [
      [code(`${name}${optional}`), describeType(field), String(field['description'] ?? '')],
      ...fieldsOf(innermost(field), `${name}${field['type'] === 'array' ? '[]' : ''}.`),
    ]
  })
}

/** The object that a field holds: beside null, in a list, or under names. */
function innermost(field: SchemaObject): SchemaObject {
  const branches = (field['anyOf'] ?? []) as readonly SchemaObject[]
  const inside = branches[0] ?? field['items'] ?? field['additionalProperties'] ?? field
  return typeof inside === 'object' && inside !== null ? (inside as SchemaObject) : {}
}

/** A small object by its fields, anything else by its type. */
function describeInline(schema: SchemaObject): string {
  if ('$ref' in schema) return describeType(schema)
  const properties = (schema['properties'] ?? {}) as Readonly<Record<string, SchemaObject>>
  const fields = Object.entries(properties).map(([key, field]) => `${key}: ${describeType(field)}`)
  return fields.length === 0 ? describeType(schema) : `{ ${fields.join(', ')} }`
}

function describeType(schema: SchemaObject): string {
  const { type, items, anyOf, $ref } = schema
  if (typeof $ref === 'string') {
    const name = $ref.split('/').at(-1)!
    return `[${name}](#${name.toLowerCase()})`
  }
  if (Array.isArray(anyOf)) {
    return (anyOf as SchemaObject[]).map((branch) => describeType(branch)).join(' or ')
  }
  if (Array.isArray(type)) return type.join(' or ')
  if ('const' in schema) return code(schema['const'])
  const words = schema['enum']
  if (Array.isArray(words))
    return words.length > 12 ? 'string' : words.map(code).join(' \\| ').replaceAll('\\|', '|')
  if (type === 'array') return `list of ${describeType(items as SchemaObject)}`
  const values = schema['additionalProperties']
  if (type === 'object' && typeof values === 'object' && values !== null) {
    return `map of ${describeType(values as SchemaObject)}`
  }
  const limits = ['minimum', 'exclusiveMinimum', 'maximum']
    .filter((key) => key in schema && schema[key] !== Number.MAX_SAFE_INTEGER)
    .map((key) => ` ${SIGNS[key]} ${(schema[key] as number).toLocaleString('en')}`)
  return `${type === 'integer' ? 'whole number' : String(type)}${limits.join(',')}`
}

const SIGNS: Readonly<Record<string, string>> = {
  minimum: '≥',
  exclusiveMinimum: '>',
  maximum: '≤',
}
