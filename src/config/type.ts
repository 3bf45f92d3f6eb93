import type { TSchema, Type as TypeBox } from 'typebox'

type Builders = Pick<
  typeof TypeBox,
  | 'Array'
  | 'Boolean'
  | 'Integer'
  | 'Literal'
  | 'Number'
  | 'Object'
  | 'Optional'
  | 'String'
  | 'Unsafe'
>

type Keywords = Readonly<Record<string, unknown>>

/** Set on a schema that may be left out of a map. No JSON has it, and no validator sees it. */
const OPTIONAL = Symbol('optional')

/**
 * TypeBox's builders of JSON Schema, with TypeBox's types, so that TypeScript reads from a schema what it allows
 * (`Static`). They stand here since TypeBox itself is some 370 modules, and every start would have to load them.
 */
export const Type = {
  Array: (items: TSchema, options?: Keywords) => ({ type: 'array', items, ...options }),
  Boolean: (options?: Keywords) => ({ type: 'boolean', ...options }),
  Integer: (options?: Keywords) => ({ type: 'integer', ...options }),
  Literal: (value: unknown, options?: Keywords) => ({
    type: typeof value,
    const: value,
    ...options,
  }),
  Number: (options?: Keywords) => ({ type: 'number', ...options }),
  Object: (properties: Readonly<Record<string, object>>, options?: Keywords) => {
    const required = Object.keys(properties).filter((key) => !(OPTIONAL in properties[key]!))
    return {
      type: 'object',
      ...(required.length === 0 ? {} : { required }),
      properties,
      ...options,
    }
  },
  Optional: (schema: object) => ({ ...schema, [OPTIONAL]: true }),
  String: (options?: Keywords) => ({ type: 'string', ...options }),
  Unsafe: (schema: object) => schema,
} as unknown as Builders
