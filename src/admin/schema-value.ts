import type { Static, TSchema, TUnsafe } from 'typebox'
import { Type } from '../config/type.ts'

/** The value that a schema describes, as it is read: nothing of it is changed. */
export type Json<S extends TSchema> = DeepReadonly<Static<S>>

type DeepReadonly<T> = T extends readonly unknown[] | object
  ? { readonly [K in keyof T]: DeepReadonly<T[K]> }
  : T

/** What this describes, or null: not known, or none. */
export function orNull<S extends TSchema>(
  schema: S,
  description?: string,
): TUnsafe<Static<S> | null> {
  return Type.Unsafe({
    anyOf: [schema, { type: 'null' }],
    ...(description === undefined ? {} : { description }),
  })
}

/** One word of a few. */
export function oneOf<const W extends string>(
  words: readonly W[],
  description?: string,
): TUnsafe<W> {
  const about = description === undefined ? {} : { description }
  return Type.Unsafe({ type: 'string', enum: [...words], ...about })
}

/** A moment: ISO 8601, UTC, with milliseconds. */
export function time(description?: string): TUnsafe<string> {
  return Type.Unsafe({
    type: 'string',
    pattern: '^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{3}Z$',
    ...(description === undefined ? {} : { description }),
  })
}

/** A map whose keys are names. */
export function byName<S extends TSchema>(
  value: S,
  description: string,
): TUnsafe<Record<string, Static<S>>> {
  return Type.Unsafe({ type: 'object', additionalProperties: value, description })
}

/** A value for each side of the comparison: [baseline, canary]. */
export function pair<S extends TSchema>(
  item: S,
  description: string,
): TUnsafe<[Static<S>, Static<S>]> {
  return Type.Unsafe({ type: 'array', items: item, minItems: 2, maxItems: 2, description })
}

/** A whole number of at least 0. */
export function count(description: string) {
  return Type.Integer({ minimum: 0, description })
}

/** A number, or null. */
export function numberOrNull(description?: string): TUnsafe<number | null> {
  return orNull(Type.Number(), description)
}
