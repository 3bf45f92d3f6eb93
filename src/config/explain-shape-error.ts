import type { ErrorObject } from 'ajv'
import { describeValue } from './describe-value.ts'
import { suggest } from '../domain/nearest.ts'
import { BASELINE, CANARY } from '../domain/variant.ts'
import { placeOfKey } from './place-of-key.ts'
import type { ConfigPath, Finding } from './problem.ts'
import { MOST_COUNTED } from './schema-value.ts'
import { adviseVariable } from './substitute-env.ts'

/**
 * One difference from the schema as a sentence: what was found, what is allowed, what was meant.
 * `sourceOf` tells how a number was written.
 */
export function explainShapeError(
  error: ErrorObject,
  path: ConfigPath,
  sourceOf: (path: ConfigPath) => string | null,
): Finding {
  const found = describeValue(error.data, path, sourceOf(path))
  switch (error.keyword) {
    case 'additionalProperties':
      return explainUnknownKey(error, path)
    case 'required':
      return explainMissingKey(error, path)
    case 'discriminator':
      return explainKind(error, path)
    case 'enum':
      return { path, message: explainWord(error.data, found, error.schema as readonly unknown[]) }
    case 'const':
      return { path, message: explainWord(error.data, found, [error.schema]) }
    case 'minProperties':
    case 'minItems':
      return { path, message: 'found nothing in it, allowed is at least one entry' }
    case 'uniqueItems':
      return { path, message: 'the same entry twice' }
    case 'oneOf':
      return {
        path,
        message: `found ${describeKeys(error.data) ?? found}, allowed is ${titleOf(error)}`,
      }
    default:
      return explainValue(error, path, found)
  }
}

function explainValue(error: ErrorObject, path: ConfigPath, found: string): Finding {
  const name = error.propertyName
  if (name !== undefined) {
    const message = `the key ${JSON.stringify(name)} is not allowed: it must be ${titleOf(error)}`
    return { path: [...path, name], atKey: true, message }
  }
  if (error.keyword === 'maximum' && error.schema === MOST_COUNTED)
    return {
      path,
      message: `found ${found}, which nothing is ever counted to, allowed is at most 1e15`,
    }
  const advice = `${adviseQuotes(error)}${adviseVariable(found)}`
  return { path, message: `found ${found}, allowed is ${titleOf(error)}${advice}` }
}

function explainUnknownKey(error: ErrorObject, path: ConfigPath): Finding {
  const key = String(error.params['additionalProperty'])
  const known = Object.keys(propertiesOf(error))
  const allowed = known.length === 0 ? 'none is allowed here' : `allowed: ${known.join(', ')}`
  const below = suggestBelow(key, propertiesOf(error))
  const hints = [below, suggestElsewhere(key, path), suggest(key, known), suggestPoint(key)]
  const meant = hints.find((hint) => hint !== '') ?? ''
  const message = `unknown key "${key}"${meant} (${allowed})`
  return { path: [...path, key], atKey: true, message }
}

/** A key that stands one level too high. */
function suggestBelow(key: string, known: Readonly<Record<string, Schema>>): string {
  const above = Object.keys(known).filter((name) => keysOf(known[name]!).includes(key))
  return above.length === 1 ? `: did you mean "${above[0]}.${key}"?` : ''
}

/** A key that stands somewhere else, however near it is to one that is known here. */
function suggestElsewhere(key: string, path: ConfigPath): string {
  const place = placeOfKey(key, path)
  return place === null ? '' : `: did you mean "${place}"?`
}

/** The second half of `{ max: 0,5% }`, which YAML takes for a key of its own. */
function suggestPoint(key: string): string {
  return /^\d+(?:%|ms|[smhd])?$/.test(key) ? `: a number has a point, such as 0.${key}` : ''
}

function explainMissingKey(error: ErrorObject, path: ConfigPath): Finding {
  const key = String(error.params['missingProperty'])
  if (key === BASELINE && path.at(-1) === 'variants') return explainMissingBaseline(error, path)
  const schema = propertiesOf(error)[key]
  const allowed = schema === undefined ? '' : `: ${allowedBy(schema)}`
  return { path: [...path, key], message: `is missing${allowed}` }
}

/** Other tools call it otherwise. */
function explainMissingBaseline({ data }: ErrorObject, path: ConfigPath): Finding {
  const names = Object.keys(data as object)
  const others = names.filter((name) => name !== CANARY)
  const meant = others.length === 1 ? `: did you mean it by "${others[0]}"?` : ''
  const found = names.length === 0 ? 'nothing' : names.join(', ')
  const message = `is missing${meant} (found: ${found}; the version that serves by now is called so)`
  return { path: [...path, BASELINE], message }
}

function explainKind(error: ErrorObject, path: ConfigPath): Finding {
  const tag = String(error.params['tag'])
  const branches = (error.parentSchema as Schema | undefined)?.oneOf ?? []
  const kinds = branches.map(({ title }) => title)
  const value = error.params['tagValue'] as unknown
  const at = [...path, tag]
  if (value === undefined) return { path: at, message: `is missing: one of ${kinds.join(', ')}` }
  return { path: at, message: explainWord(value, describeValue(value, at), kinds) }
}

function explainWord(value: unknown, found: string, words: readonly unknown[]): string {
  const known = words.map(String)
  const hint = typeof value === 'string' ? suggest(value, known) : ''
  return `found ${found}${hint} (allowed: ${known.join(', ')})`
}

/** What is read of a JSON Schema. */
export type Schema = {
  readonly $ref?: string
  /** Those of the map that is referred to. */
  readonly keys?: readonly string[]
  readonly type?: string | readonly string[]
  readonly title?: string
  readonly const?: unknown
  readonly enum?: readonly unknown[]
  readonly pattern?: string
  readonly properties?: Readonly<Record<string, Schema>>
  readonly additionalProperties?: Schema | boolean
  readonly items?: Schema
  readonly oneOf?: readonly Schema[]
  readonly discriminator?: { readonly propertyName: string }
  readonly definitions?: Readonly<Record<string, Schema>>
}

function keysOf({ keys, properties }: Schema): readonly string[] {
  return keys ?? Object.keys(properties ?? {})
}

function propertiesOf(error: ErrorObject): Readonly<Record<string, Schema>> {
  return (error.parentSchema as Schema | undefined)?.properties ?? {}
}

function titleOf(error: ErrorObject): string {
  return allowedBy((error.parentSchema ?? {}) as Schema)
}

/** What a value has to be, in the words of a message. */
export function allowedBy(schema: Schema): string {
  if (schema.title !== undefined) return schema.title
  if (schema.const !== undefined) return String(schema.const)
  if (schema.enum !== undefined) return `one of ${schema.enum.join(', ')}`
  if (schema.type === 'object') {
    const keys = Object.keys(schema.properties ?? {})
    return keys.length === 0 ? 'a map' : `a map with some of ${keys.join(', ')}`
  }
  return (
    { array: 'a list', string: 'text', number: 'a number' }[String(schema.type)] ?? 'another value'
  )
}

/** `version: 1.4` is a number to YAML: it would be right in quotes. */
function adviseQuotes(error: ErrorObject): string {
  const isScalar = typeof error.data === 'number' || typeof error.data === 'boolean'
  const { type, pattern } = (error.parentSchema ?? {}) as Schema
  if (error.keyword !== 'type' || type !== 'string' || !isScalar) return ''
  return pattern === undefined || new RegExp(pattern, 'u').test(String(error.data))
    ? ' (put it in quotes)'
    : ''
}

function describeKeys(value: unknown): string | null {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) return null
  const keys = Object.keys(value)
  return keys.length === 0 ? 'an empty map' : keys.map((key) => `\`${key}\``).join(', ')
}
