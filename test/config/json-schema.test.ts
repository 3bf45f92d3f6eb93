import { readFileSync, readdirSync } from 'node:fs'
import { Ajv, type ValidateFunction } from 'ajv'
import t from 'tap'
import { parse } from 'yaml'
import { DEFAULTS } from '../../src/config/defaults.ts'
import { buildJsonSchema } from '../../src/config/json-schema.ts'
import { file } from './problems-of.ts'

type Schema = { readonly [keyword: string]: unknown }

const built = buildJsonSchema()
const validate: ValidateFunction = new Ajv({ strict: false, allErrors: true }).compile(built)

/** Every field of the schema, by its path. */
function fields(schema: Schema, path: string): readonly (readonly [string, Schema])[] {
  const inside = (at: string, child: unknown) =>
    child !== null && typeof child === 'object' ? fields(child as Schema, at) : []
  const properties = Object.entries((schema['properties'] ?? {}) as Record<string, Schema>)
  const branches = [
    ...((schema['anyOf'] ?? []) as Schema[]),
    ...((schema['oneOf'] ?? []) as Schema[]),
  ]
  return [
    ...properties.flatMap(([key, child]) => [
      [`${path}.${key}`, child] as const,
      ...inside(`${path}.${key}`, child),
    ]),
    ...inside(`${path}.*`, schema['additionalProperties']),
    ...inside(`${path}[]`, schema['items']),
    ...branches.flatMap((branch) => inside(path, branch)),
  ]
}

t.test('the file for editors is the one that the schema makes', (t) => {
  t.same(JSON.parse(readFileSync('config/serin.schema.json', 'utf8')), built)
  t.end()
})

t.test('every field says what it is and what a change of it needs', (t) => {
  const all = fields(built, '')
  t.ok(all.length > 200, `${all.length} fields`)
  for (const [path, { description }] of all)
    if (!/^.+\. Change: (live|restart)( \(.+\))?\.$/.test(String(description))) t.fail(path)
  for (const [path, schema] of all)
    if ('default' in schema && !String(schema['description']).includes(' Default: ')) t.fail(path)
  t.end()
})

t.test('the defaults that it shows are the ones in use', (t) => {
  const shown = new Map(fields(built, ''))
  const service = '.services.*'
  t.equal(shown.get('.gateway.limits.body')?.['default'], DEFAULTS.limits.body)
  t.equal(shown.get(`${service}.rollout.watch`)?.['default'], DEFAULTS.watch)
  t.equal(shown.get(`${service}.rollout.steps[].minDuration`)?.['default'], DEFAULTS.minDuration)
  t.equal(shown.get(`${service}.analysis.alpha.promote`)?.['default'], DEFAULTS.alpha.promote)
  t.end()
})

const files = [
  'config/example.yaml',
  ...readdirSync('config/examples').map((name) => `config/examples/${name}`),
  'test/config/fixtures/every-part.yaml',
]
for (const name of files) {
  t.test(`an editor accepts ${name} with its variables as they are`, (t) => {
    t.ok(validate(parse(readFileSync(name, 'utf8'))), JSON.stringify(validate.errors))
    t.end()
  })
}

t.test('an editor marks what the loader would refuse by its shape', (t) => {
  const isValid = (text: string) => validate(parse(text))
  t.ok(isValid(file()))
  t.notOk(isValid(file({ top: 'gatway: {}' })))
  t.notOk(isValid(file({ gateway: ', drain: { wait: 5 }' })))
  t.notOk(isValid(file({ gateway: ', limits: { inFlight: x }' })))
  t.notOk(isValid(file({ service: '    split: { key: heder:x }' })))
  t.notOk(isValid(file({ service: '    analysis: { metrics: { x: { kind: rmse } } }' })))
  t.notOk(isValid(file({ service: '    rollout: { steps: [ {} ] }' })))
  t.end()
})

t.test('an editor lets a variable stand for any single value', (t) => {
  const text = file({
    top: 'passthrough: "${A}"\nfeedback: { maxPending: "${B:-5}", retention: "${C}" }',
    gateway: ', workers: "${D}", limits: { body: "${E}MiB" }',
    service: '    idempotent: "${F}"\n    split: { key: "${G}", weights: { canary: "${H}" } }',
  })
  t.ok(validate(parse(text)), JSON.stringify(validate.errors))
  t.notOk(validate(parse(text.replace('${B:-5}', '$B'))))
  t.end()
})
