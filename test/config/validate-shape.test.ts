import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv'
import t from 'tap'
import { parse } from 'yaml'
import { explainShapeError } from '../../src/config/explain-shape-error.ts'
import { ConfigSchema } from '../../src/config/schema.ts'
import { validateShape } from '../../src/config/validate-shape.mjs'
import { file } from './problems-of.ts'

type Tree = { [key: string]: unknown }

/** The schema as it stands, compiled now. */
const fresh = new Ajv({
  allErrors: true,
  verbose: true,
  discriminator: true,
  allowUnionTypes: true,
  strictRequired: false,
}).compile(ConfigSchema)

/** What a validator finds, and what is told of it. */
function findingsOf(validate: ValidateFunction, root: unknown): readonly string[] {
  validate(root)
  return (validate.errors ?? []).map((error: ErrorObject) => {
    const { keyword, instancePath, propertyName, params, data } = error
    // The kinds of metrics are titles of what the built one refers to.
    const told = keyword === 'discriminator' ? null : explainShapeError(error, [], () => null)
    return JSON.stringify({ keyword, instancePath, propertyName, params, data, told })
  })
}

/** A tree in which one value at a time is another, is gone, or has an unknown key beside it. */
function* breakEach(tree: unknown): Generator<unknown> {
  for (const value of [null, 0, 1e9, true, '', 'x', '5%', '10s', [], {}, [{}], { x: 1 }])
    yield value
  if (tree === null || typeof tree !== 'object') return
  yield Array.isArray(tree) ? [...tree, ...tree] : { ...tree, odd: 1 }
  for (const [key, child] of Object.entries(tree)) {
    const others = Object.entries(tree).filter(([other]) => other !== key)
    yield Array.isArray(tree)
      ? others.map(([, other]) => other as unknown)
      : Object.fromEntries(others)
    for (const broken of breakEach(child)) {
      yield Array.isArray(tree)
        ? tree.map((other: unknown, i) => (String(i) === key ? broken : other))
        : { ...(tree as Tree), [key]: broken }
    }
  }
}

/** The first broken file of which two validators find different things; null = they agree about all. */
function findDifference(roots: readonly unknown[]): object | null {
  for (const root of roots) {
    const [wanted, found] = [findingsOf(fresh, root), findingsOf(validateShape, root)]
    if (JSON.stringify(found) !== JSON.stringify(wanted)) return { root, found, wanted }
  }
  return null
}

/** Keywords that an error is never of. */
const SILENT = ['title', 'description', 'default', 'writeOnly', 'properties', 'items']

/** All keywords of a schema and of what is in it. */
function keywordsOf(schema: object): ReadonlySet<string> {
  const inside = Object.entries(schema).flatMap(([keyword, value]: [string, unknown]) => {
    if (keyword === 'default' || keyword === 'discriminator' || value === null) return []
    if (typeof value !== 'object') return []
    const isNamed = keyword === 'properties' || Array.isArray(value)
    const schemas = isNamed ? Object.values(value) : [value]
    return schemas.filter((child) => child !== null && typeof child === 'object') as object[]
  })
  return new Set([...Object.keys(schema), ...inside.flatMap((child) => [...keywordsOf(child)])])
}

const tree = parse(readFileSync('test/config/fixtures/every-part.yaml', 'utf8')) as unknown

t.test('the validator that the build writes finds what the schema finds', (t) => {
  const broken = [...breakEach(tree)]
  t.equal(findDifference([tree, ...broken]), null, `${broken.length} broken files`)
  const found = broken.flatMap((root) => (fresh(root) ? [] : (fresh.errors ?? [])))
  t.same(
    [...new Set(found.map(({ keyword }) => keyword))].sort(),
    [...keywordsOf(ConfigSchema)].filter((keyword) => !SILENT.includes(keyword)).sort(),
    'every keyword of the schema is broken by one of them',
  )
  t.end()
})

t.test('a configuration is checked where code may not be made of text', (t) => {
  const script = `import { parseConfig } from './build/src/config/load.js'
    console.log(parseConfig(${JSON.stringify(file())}, { file: null, env: {} }).ok)`
  const said = execFileSync(process.execPath, [
    ...['--disallow-code-generation-from-strings', '--input-type=module', '-e', script],
  ])
  t.equal(said.toString(), 'true\n')
  t.end()
})
