import type { ErrorObject } from 'ajv'
import { explainShapeError } from './explain-shape-error.ts'
import type { ConfigPath, Finding } from './problem.ts'
import { validateShape } from './validate-shape.mjs'

/** What the schema says about a tree. */
export type ShapeCheck = {
  /** The tree, with numbers and booleans where the environment gave them as text. */
  readonly root: unknown
  readonly findings: readonly Finding[]
  /** Paths whose values are not what the schema says; an unknown key spoils nothing beside it. */
  readonly unsound: readonly ConfigPath[]
}

/**
 * Holds a tree against the schema and reports every difference. `whole` names the values that came
 * from the environment: text there becomes a number or a boolean where the schema asks for one.
 * `sourceOf` tells how a number was written.
 */
export function checkShape(
  root: unknown,
  whole: ReadonlySet<string>,
  sourceOf: (path: ConfigPath) => string | null,
): ShapeCheck {
  const first = findErrors(root)
  const wanted = first.filter(
    ({ error, path }) =>
      error.keyword === 'type' &&
      coerce(error.data, error.params['type']) !== undefined &&
      whole.has(JSON.stringify(path)),
  )
  if (wanted.length === 0) return { root, ...explain(first, sourceOf) }
  const coerced = wanted.reduce(
    (tree, { error, path }) => replaceAt(tree, path, coerce(error.data, error.params['type'])),
    root,
  )
  return { root: coerced, ...explain(findErrors(coerced), sourceOf) }
}

type Located = { readonly error: ErrorObject; readonly path: ConfigPath }

function findErrors(root: unknown): readonly Located[] {
  if (validateShape(root)) return []
  const errors = validateShape.errors ?? []
  return errors.map((error) => ({ error, path: toPath(error.instancePath, root) }))
}

function explain(
  located: readonly Located[],
  sourceOf: (path: ConfigPath) => string | null,
): Omit<ShapeCheck, 'root'> {
  const kept = dropUnionNoise(located.map(({ error }) => error))
  const explained = located
    .filter(({ error }) => kept.has(error))
    .map(({ error, path }) => ({ error, finding: explainShapeError(error, path, sourceOf) }))
  const unsound = explained
    .filter(({ error }) => error.keyword !== 'additionalProperties')
    .map(({ finding }) => finding.path)
  // One mistake may break several keywords: the first that speaks about a value is enough.
  const spoken = new Set<string>()
  const findings = explained.flatMap(({ finding }) => {
    const about = JSON.stringify([finding.path, finding.atKey])
    if (spoken.has(about)) return []
    spoken.add(about)
    return [finding]
  })
  return { findings, unsound }
}

/**
 * Of a value that fits no branch of a union, ajv reports the errors of all branches. Kept are those of
 * the one branch that was meant, where a map or a list shows which; else only that of the union.
 */
function dropUnionNoise(errors: readonly ErrorObject[]): ReadonlySet<ErrorObject> {
  const kept = new Set(errors.filter((error) => error.keyword !== 'propertyNames'))
  for (const [i, union] of errors.entries()) {
    if (union.keyword !== 'anyOf' && union.keyword !== 'oneOf') continue
    // ajv reports the branches of a union right before the union itself.
    const start = errors.slice(0, i).findLastIndex((error) => !isInside(error, union)) + 1
    const inner = errors.slice(start, i)
    const isMisfit = (error: ErrorObject) =>
      error.instancePath === union.instancePath && ['type', 'const'].includes(error.keyword)
    const misfits = new Set(inner.filter(isMisfit).map((error) => branchOf(error, union)))
    const meant = inner.filter((error) => !misfits.has(branchOf(error, union)))
    const isTelling =
      union.keyword === 'anyOf' && typeof union.data === 'object' && meant.length > 0
    for (const error of isTelling ? [union, ...inner.filter((e) => !meant.includes(e))] : inner)
      kept.delete(error)
  }
  return kept
}

function isInside(error: ErrorObject, union: ErrorObject): boolean {
  const below = error.instancePath.slice(union.instancePath.length)
  return (
    error.schemaPath.startsWith(`${union.schemaPath}/`) &&
    error.instancePath.startsWith(union.instancePath) &&
    (below === '' || below.startsWith('/'))
  )
}

function branchOf(error: ErrorObject, union: ErrorObject): string {
  return error.schemaPath.slice(union.schemaPath.length + 1).split('/')[0]!
}

function coerce(value: unknown, type: unknown): number | boolean | undefined {
  if (typeof value !== 'string') return undefined
  if (type === 'boolean' && /^(true|false)$/.test(value)) return value === 'true'
  if (type !== 'integer' && type !== 'number') return undefined
  return /^-?\d+(\.\d+)?([eE][-+]?\d+)?$/.test(value) ? Number(value) : undefined
}

function replaceAt(tree: unknown, path: ConfigPath, value: unknown): unknown {
  if (path.length === 0) return value
  const [key, ...rest] = path
  if (Array.isArray(tree)) return tree.map((v, i) => (i === key ? replaceAt(v, rest, value) : v))
  return Object.fromEntries(
    Object.entries(tree as object).map(([k, v]) => [k, k === key ? replaceAt(v, rest, value) : v]),
  )
}

/** A JSON pointer into a tree, as keys and indexes. */
function toPath(pointer: string, root: unknown): ConfigPath {
  const path: (string | number)[] = []
  let at = root
  for (const part of pointer.split('/').slice(1)) {
    const key = part.replaceAll('~1', '/').replaceAll('~0', '~')
    path.push(Array.isArray(at) ? Number(key) : key)
    at = (at as Record<string, unknown> | undefined)?.[key]
  }
  return path
}
