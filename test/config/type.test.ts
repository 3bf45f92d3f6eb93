import t from 'tap'
import { Type as TypeBox } from 'typebox'
import { Type } from '../../src/config/type.ts'

type Builders = typeof Type

/** One schema of each builder, with and without what may be left out. */
function build({
  Array,
  Boolean,
  Integer,
  Literal,
  Number,
  Object,
  Optional,
  String,
  Unsafe,
}: Builders) {
  const name = String({ minLength: 1, title: 'a name' })
  return {
    ...{ name, text: String(), flag: Boolean(), described: Boolean({ description: 'a flag' }) },
    numbers: [Number(), Number({ minimum: 0 }), Integer(), Integer({ maximum: 9 })],
    literals: [Literal('ok'), Literal(1), Literal(true, { title: 'yes' })],
    lists: [Array(name), Array(Array(name), { minItems: 1 })],
    maps: [
      Object({}),
      Object({ name }),
      Object({ name: Optional(name) }),
      Object({ name, maybe: Optional(Object({ name })), last: Number() }, { title: 'Named' }),
    ],
    other: Unsafe<string>({ anyOf: [{ const: 'a' }, { const: 'b' }] }),
  }
}

t.test('a builder makes the JSON Schema that TypeBox makes', (t) => {
  t.equal(JSON.stringify(build(Type)), JSON.stringify(build(TypeBox)))
  t.end()
})

t.test('a schema that may be left out in one map is as it was in another', (t) => {
  const name = Type.String()
  Type.Optional(name)
  t.same(Type.Object({ name }).required, ['name'])
  t.end()
})
