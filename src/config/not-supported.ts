import type { Checker } from './checker.ts'
import { describeValue } from './describe-value.ts'
import type { ConfigPath } from './problem.ts'

/** A part of the schema that this version refuses; `*` stands for any name or index. */
export type NotSupported = {
  readonly path: string
  readonly what: string
  /** Values that ask for nothing that is missing. */
  readonly allows?: (value: unknown) => boolean
}

/** All that the configuration describes and this version does not do yet: refused, never ignored. */
export const NOT_SUPPORTED: readonly NotSupported[] = [
  { path: 'gateway.workers', what: 'more than one worker process', allows: isOneOf(1) },
]

/** Reports every part of the file that asks for something that is not built yet. */
export function checkSupported(checker: Checker): void {
  for (const { path: pattern, what, allows } of NOT_SUPPORTED) {
    for (const { path, value } of findAll(checker.root, pattern.split('.'), [])) {
      // What is no value of the schema has been reported as that.
      if (allows !== undefined && (allows(value) || !checker.isSound(path))) continue
      const found = allows === undefined ? '' : ` (found ${describeValue(value, path)})`
      checker.problem(path, `not supported yet: ${what}${found}`)
    }
  }
}

type Found = { readonly path: ConfigPath; readonly value: unknown }

function findAll(value: unknown, pattern: readonly string[], path: ConfigPath): readonly Found[] {
  const [key, ...rest] = pattern
  if (key === undefined) return [{ path, value }]
  if (value === null || typeof value !== 'object') return []
  const entries = Array.isArray(value)
    ? value.map((item, i): [number, unknown] => [i, item])
    : Object.entries(value)
  return entries
    .filter(([name]) => key === '*' || name === key)
    .flatMap(([name, child]) => findAll(child, rest, [...path, name]))
}

function isOneOf(...allowed: readonly unknown[]): (value: unknown) => boolean {
  return (value) => allowed.includes(value)
}
