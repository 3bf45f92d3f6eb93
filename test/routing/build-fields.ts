import type { RequestFields } from '../../src/routing/fields.ts'

/** A request by its fields; `reads` lists what was asked for, in order. */
export type FieldsOptions = {
  readonly headers?: Readonly<Record<string, string>>
  readonly cookies?: Readonly<Record<string, string>>
  readonly query?: Readonly<Record<string, string>>
  readonly body?: Readonly<Record<string, string>>
  readonly ip?: string
  readonly secret?: string
  readonly reads?: string[]
}

/** Request fields from plain records. */
export function buildFields(options: FieldsOptions = {}): RequestFields {
  const reader =
    (kind: string, values: Readonly<Record<string, string>> = {}) =>
    (name: string): string | null => {
      options.reads?.push(`${kind}:${name}`)
      return Object.hasOwn(values, name) ? values[name]! : null
    }
  return {
    header: reader('header', options.headers),
    cookie: reader('cookie', options.cookies),
    query: reader('query', options.query),
    body: reader('body', options.body),
    ip: () => options.ip ?? '192.0.2.1',
    secretMatches: (expected) => {
      options.reads?.push('secret')
      return options.secret === expected
    },
  }
}
