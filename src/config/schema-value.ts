import type {
  Static,
  TInteger,
  TNumber,
  TObject,
  TObjectOptions,
  TProperties,
  TSchema,
  TString,
  TUnsafe,
} from 'typebox'
import { Type } from './type.ts'

/** What a field says about itself to a reader and to an editor. */
export type Note = { readonly description: string; readonly default?: unknown }

/**
 * A field's note: what it means with its unit, what a change of it needs (`live`, `restart`, or `live`
 * with a consequence), and its default where it may be left out.
 */
export function note(text: string, change: string, fallback?: unknown): Note {
  const unset = fallback === undefined ? '' : ` Default: ${JSON.stringify(fallback)}.`
  const description = `${text}${unset} Change: ${change}.`
  return fallback === undefined ? { description } : { description, default: fallback }
}

/** A map of known keys: any other key is refused. */
export function map<P extends TProperties>(
  properties: P,
  options: TObjectOptions = {},
): TObject<P> {
  return Type.Object(properties, { additionalProperties: false, ...options })
}

/** A map whose keys are names: of services, variants, metrics. */
export function namedMap<S extends TSchema>(
  value: S,
  options: Note & { readonly required?: string[]; readonly minProperties?: number },
): TUnsafe<Record<string, Static<S>>> {
  return Type.Unsafe({
    title: 'a map of names',
    type: 'object',
    additionalProperties: value,
    propertyNames: {
      type: 'string',
      pattern: '^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$',
      title: 'a name of at most 63 letters, digits, dots, dashes and underscores',
    },
    ...options,
  })
}

/** A duration; `0` is one. */
export function duration(about: Note): TUnsafe<string | 0> {
  return quantity(about, `${NUMBER}(?:ms|s|m|h|d)`, 'a duration such as 250ms, 5s, 10m, 24h or 7d')
}

/** A duration that cannot be 0. */
export function positiveDuration(about: Note): TString {
  return text(
    about,
    `^${ABOVE_ZERO}${NUMBER}(?:ms|s|m|h|d)$`,
    'a duration above 0 such as 250ms, 5s, 10m, 24h or 7d',
  )
}

/** A number of bytes that cannot be 0. */
export function size(about: Note): TString {
  return text(
    about,
    `^${ABOVE_ZERO}${NUMBER}(?:B|KiB|MiB|GiB)$`,
    'a size above 0 such as 512B, 64KiB, 8MiB or 2GiB',
  )
}

/** A percentage without an upper bound: a margin. */
export function percent(about: Note): TUnsafe<string | 0> {
  return quantity(about, `${NUMBER}%`, 'a percentage of at least 0% such as 5% or 0.1%')
}

/** A margin that cannot be 0. */
export function positivePercent(about: Note): TString {
  return text(about, `^${ABOVE_ZERO}${NUMBER}%$`, 'a percentage above 0% such as 5% or 0.1%')
}

/** A percentage of at most 100. */
export function share(about: Note): TUnsafe<string | 0> {
  return quantity(
    about,
    '(?:100(?:\\.0+)?|\\d{1,2}(?:\\.\\d+)?)%',
    'a percentage from 0% to 100% such as 5% or 0.1%',
  )
}

/** A share that cannot be 0. */
export function positiveShare(about: Note): TString {
  return text(
    about,
    `^${ABOVE_ZERO}(?:100(?:\\.0+)?|\\d{1,2}(?:\\.\\d+)?)%$`,
    'a percentage above 0% up to 100% such as 10%',
  )
}

/** A share of traffic: serin splits in steps of one basis point. */
export function weight(about: Note): TUnsafe<string | 0> {
  return quantity(
    about,
    '(?:100(?:\\.0{1,2})?|\\d{1,2}(?:\\.\\d{1,2})?)%',
    'a percentage from 0% to 100% with at most two decimals such as 5% or 12.25%',
  )
}

/** The largest number that things are counted to: what is counted beyond it may be off by one. */
export const MOST_COUNTED = 1e15

/** A whole number of at least `minimum`. */
export function count(about: Note, minimum = 1): TInteger {
  const title = `a whole number of at least ${minimum}`
  return Type.Integer({ minimum, maximum: MOST_COUNTED, title, ...about })
}

/** A number in the open interval (0, 1). */
export function probability(
  about: Note,
  title = 'a number between 0 and 1, without both',
): TNumber {
  return Type.Number({ exclusiveMinimum: 0, exclusiveMaximum: 1, title, ...about })
}

/** A number of at least 0. */
export function amount(about: Note): TNumber {
  return Type.Number({ minimum: 0, title: 'a number of at least 0', ...about })
}

/** Text of a certain form; `title` says which, in the words of an error message. */
export function text(about: Note, pattern: string, title: string): TString {
  return Type.String({ pattern, title, ...about })
}

/** Text that is shown nowhere. */
export function secret(about: Note, minLength: number): TString {
  const title = `a secret of at least ${minLength} characters, best as "\${ENV}"`
  return Type.String({ minLength, writeOnly: true, title, ...about })
}

/** A secret that is a bearer token: with the line end of a file behind it, say, no header carries it (RFC 6750 §2.1). */
export function bearer(about: Note, minLength: number): TString {
  const title = `a secret of at least ${minLength} characters of ASCII, without blanks and line ends, best as "\${ENV}"`
  return Type.String({ minLength, pattern: '^[!-~]*$', writeOnly: true, title, ...about })
}

/** A secret that is the value of a header, around which blanks are cut (RFC 9110 §5.5). */
export function headerSecret(about: Note, minLength: number): TString {
  const title = `a secret of at least ${minLength} characters, without blanks around it and without line ends, best as "\${ENV}"`
  const pattern = '^[^\\x00-\\x20](?:[^\\x00-\\x1f]*[^\\x00-\\x20])?$'
  return Type.String({ minLength, pattern, writeOnly: true, title, ...about })
}

/** One word of a few. */
export function oneOf<const W extends string>(about: Note, words: readonly W[]): TUnsafe<W> {
  return Type.Unsafe({ type: 'string', enum: [...words], ...about })
}

const NUMBER = '\\d+(?:\\.\\d+)?'
const ABOVE_ZERO = '(?!0+(?:\\.0+)?[A-Za-z%])'

function quantity(about: Note, pattern: string, title: string): TUnsafe<string | 0> {
  const anyOf = [{ type: 'string', pattern: `^(?:${pattern}|0)$` }, { const: 0 }]
  return Type.Unsafe({ title, anyOf, ...about })
}
