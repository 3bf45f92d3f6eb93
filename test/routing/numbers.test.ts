import t from 'tap'
import type { MetricSpec } from '../../src/domain/rollout-spec.ts'
import { assign } from '../../src/routing/assign.ts'
import { bodyPointers } from '../../src/routing/fields.ts'
import { readNumbers } from '../../src/routing/numbers.ts'
import { buildSplit } from '../../src/routing/split.ts'
import { DRIFT, rolloutSpec } from '../fakes/simulated-service.ts'
import { buildFields } from './build-fields.ts'
import { buildService } from './build-service.ts'

t.test(
  'numbers are read, also where they stand in a string; all else, and what is too large, is left out',
  (t) => {
    const body = {
      '/a': '3.50',
      '/b': '-1e3',
      '/c': 'NaN',
      '/d': 'true',
      '/e': '',
      '/f': ' ',
      '/g': 'Infinity',
      '/h': 'null',
      '/i': '1e51',
    }
    const pointers = [...Object.keys(body), '/absent']
    const numbers = readNumbers(pointers, buildFields({ body }))
    t.same(
      [...numbers!],
      [
        ['/a', 3.5],
        ['/b', -1000],
      ],
    )
    t.equal(readNumbers([], buildFields({ body })), null)
    t.end()
  },
)

t.test('what is watched for drift is read with what decides, each pointer once', (t) => {
  const metrics: MetricSpec[] = [
    DRIFT,
    { ...DRIFT, name: 'age', of: { pointer: '/age' } },
    { ...DRIFT, name: 'again', of: { pointer: '/age' } },
  ]
  const rollout = rolloutSpec({ analysis: { metrics } })
  const plain = buildService({ split: { key: { from: 'body', pointer: '/user' } } })
  const service = { ...plain, rollout }
  t.strictSame(bodyPointers(service), { all: ['/user', '/age'], deciding: 1 })
  const fields = buildFields({ body: { '/user': 'ann', '/age': '41' } })
  const drawn = assign(buildSplit(service, { canary: 5000 }, 'salt'), fields, () => 0)
  t.same([...drawn.numbers!], [['/age', 41]])
  t.equal(assign(buildSplit(plain, { canary: 5000 }, 'salt'), fields, () => 0).numbers, null)
  t.end()
})
