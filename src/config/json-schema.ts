import { ConfigSchema } from './schema.ts'

/**
 * The configuration's schema for editors (JSON Schema draft-07, as the YAML language servers read it).
 * Unlike the loader, which replaces variables first, it lets `${ENV}` stand for any single value.
 */
export function buildJsonSchema(): Record<string, unknown> {
  // What may be left out is marked by a symbol: only what JSON keeps is the schema.
  const schema = JSON.parse(JSON.stringify(ConfigSchema)) as Schema
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    ...allowVariables(schema),
    definitions: {
      variable: {
        title: 'a value from the environment: ${NAME} or ${NAME:-default}',
        type: 'string',
        pattern: '\\$\\{[A-Za-z_][A-Za-z0-9_]*(?::-[^}]*)?\\}',
      },
    },
  }
}

type Schema = { readonly [keyword: string]: unknown }

const VARIABLE: Schema = { $ref: '#/definitions/variable' }
const ANNOTATIONS: readonly string[] = ['title', 'description', 'default', 'writeOnly']

function allowVariables(schema: Schema): Schema {
  const { discriminator: _, ...inner } = descend(schema)
  if (Array.isArray(inner['anyOf'])) {
    const branches = inner['anyOf'] as readonly Schema[]
    const takesScalar = branches.some((branch) => isScalar(branch) || 'const' in branch)
    return takesScalar ? { ...inner, anyOf: [...branches, VARIABLE] } : inner
  }
  if (!isScalar(inner) || 'const' in inner) return inner
  const isAnnotation = ([keyword]: [string, unknown]) => ANNOTATIONS.includes(keyword)
  const entries = Object.entries(inner)
  const rules = entries.filter((entry) => !isAnnotation(entry))
  // Text of any form may be a variable anyway.
  if (inner['type'] === 'string' && rules.length === 1) return inner
  return {
    ...Object.fromEntries(entries.filter(isAnnotation)),
    anyOf: [Object.fromEntries(rules), VARIABLE],
  }
}

/** The same for everything inside; the branches of a union keep their form, since the union widens. */
function descend(schema: Schema): Schema {
  return Object.fromEntries(
    Object.entries(schema).map(([keyword, value]) => {
      switch (keyword) {
        case 'properties':
          return [keyword, mapValues(value as Record<string, Schema>)]
        case 'items':
        case 'additionalProperties':
          return [keyword, typeof value === 'object' ? allowVariables(value as Schema) : value]
        case 'oneOf':
        case 'anyOf':
          return [keyword, (value as readonly Schema[]).map((branch) => descend(branch))]
        default:
          return [keyword, value]
      }
    }),
  )
}

function mapValues(schemas: Record<string, Schema>): Record<string, Schema> {
  return Object.fromEntries(
    Object.entries(schemas).map(([key, schema]) => [key, allowVariables(schema)]),
  )
}

function isScalar(schema: Schema): boolean {
  return ['string', 'integer', 'number', 'boolean'].includes(String(schema['type']))
}
