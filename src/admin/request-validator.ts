import type { Ajv, ErrorObject } from 'ajv'
import type { TObject, TSchema } from 'typebox'
import { AdminError } from './problem.ts'

/** Builds the check of a body. Here as below, the schema is compiled at once, and not while requests wait. */
export function buildBodyValidator(ajv: Ajv, schema: TSchema) {
  const validate = ajv.compile(schema)
  return (body: unknown) => validate(body) || { error: validate.errors! }
}

/**
 * Builds the check of parameters that come as text, in a path or a query. Numbers are read where the
 * schema has them, in plain decimal notation: neither signs nor exponents. The error says what would be
 * right; one parameter twice is one too many.
 */
export function buildTextValidator(ajv: Ajv, schema: TObject) {
  const known = Object.keys(schema.properties)
  const validate = ajv.compile(schema)
  return (given: Readonly<Record<string, unknown>>) => {
    const unknown = Object.keys(given).find((name) => !known.includes(name))
    if (unknown !== undefined) {
      const names = known.length === 0 ? 'none' : known.join(', ')
      return refuse(`unknown query parameter "${unknown}"; known: ${names}`)
    }
    const value = Object.fromEntries(
      Object.entries(given).map(([name, text]) => [name, read(schema.properties[name]!, text)]),
    )
    if (validate(value)) return { value }
    return refuse(describe(validate.errors![0]!, given))
  }
}

function read({ type }: { readonly type?: unknown }, text: unknown): unknown {
  const form = type === 'integer' ? /^\d{1,16}$/ : type === 'number' ? /^\d+(?:\.\d+)?$/ : null
  return form !== null && typeof text === 'string' && form.test(text) ? Number(text) : text
}

function describe(error: ErrorObject, given: Readonly<Record<string, unknown>>): string {
  const name = error.instancePath.slice(1)
  const right = describeSchema(error.parentSchema as TSchema & Bounds)
  return `${name} is ${JSON.stringify(given[name])}; send ${right}`
}

type Bounds = {
  readonly type?: string
  readonly minimum?: number
  readonly exclusiveMinimum?: number
  readonly maximum?: number
}

function describeSchema({ type, minimum, exclusiveMinimum, maximum }: Bounds): string {
  if (type !== 'integer' && type !== 'number') return 'it once, as text'
  const number = type === 'integer' ? 'a whole number' : 'a number'
  if (exclusiveMinimum === undefined) return `${number} from ${minimum} to ${maximum}`
  return `${number} above ${exclusiveMinimum}, up to ${maximum}`
}

function refuse(detail: string): { readonly error: AdminError } {
  return { error: new AdminError('SERIN_BAD_REQUEST', detail) }
}
