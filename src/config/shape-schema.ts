import { allowedBy, type Schema } from './explain-shape-error.ts'
import { ConfigSchema } from './schema.ts'

/** Keywords that allow or refuse nothing, and that no message tells. */
const ANNOTATIONS: ReadonlySet<string> = new Set(['description', 'default', 'writeOnly'])

/**
 * The configuration's schema as its validator is compiled from it. Each map of known keys is a definition, and
 * so a function of its own: Node compiles it when a file has such a map, and not all kinds of metrics for one.
 * What refers to a definition has as its title what is allowed there, and the known keys; a branch that is chosen by a key, the
 * value of that key. Other unions are left as they are: which branch an error is of is read from its path.
 */
export function buildShapeSchema(): Schema {
  const definitions: Record<string, Schema> = {}
  const names = new Map<string, string>()

  const refer = (schema: Schema, title: string): Schema => {
    const inner = descend(schema)
    if (inner.properties === undefined) return inner
    const json = JSON.stringify(inner)
    const name = names.get(json) ?? `map${names.size}`
    names.set(json, name)
    definitions[name] = inner
    return { $ref: `#/definitions/${name}`, title, keys: Object.keys(inner.properties) }
  }
  const descend = (schema: Schema): Schema => {
    const { properties, items, additionalProperties: others, discriminator, oneOf } = schema
    const said = Object.entries(schema).filter(([keyword]) => !ANNOTATIONS.has(keyword))
    const tag = discriminator?.propertyName
    return {
      ...Object.fromEntries(said),
      ...(properties === undefined ? {} : { properties: mapValues(properties, referToField) }),
      ...(items === undefined ? {} : { items: referToField(items) }),
      ...(typeof others === 'object' ? { additionalProperties: referToField(others) } : {}),
      ...(tag === undefined || oneOf === undefined
        ? {}
        : { oneOf: oneOf.map((branch) => refer(branch, String(branch.properties?.[tag]?.const))) }),
    }
  }
  const referToField = (schema: Schema) => refer(schema, allowedBy(schema))

  // What may be left out is marked by a symbol: only what JSON keeps is the schema.
  return { ...descend(JSON.parse(JSON.stringify(ConfigSchema)) as Schema), definitions }
}

function mapValues<V, W>(
  of: Readonly<Record<string, V>>,
  change: (value: V) => W,
): Readonly<Record<string, W>> {
  return Object.fromEntries(Object.entries(of).map(([key, value]) => [key, change(value)]))
}
