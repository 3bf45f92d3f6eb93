import t from 'tap'
import { parse, stringify } from 'yaml'
import { parseConfig } from '../../src/config/load.ts'
import { BESIDE_METRICS, CONFIG_EXAMPLES } from './config-examples.ts'
import { configKeys } from './render-config.ts'

type Tree = { readonly [key: string]: unknown }

const env = Object.fromEntries(
  ['SERIN_OPERATOR_TOKEN', 'SERIN_FEEDBACK_TOKEN', 'SERIN_OVERRIDE_SECRET', 'PROM_TOKEN']
    .concat('SCORES_TOKEN', 'HOOK_SECRET')
    .map((name) => [name, `${name}-0123456789`]),
)

const VARIANTS = {
  baseline: { version: '1', upstreams: ['http://10.0.0.1:8000'] },
  canary: { version: '2', upstreams: ['http://10.0.0.2:8000'] },
}

/** A whole file around an example. */
function fileOf(title: string): Tree {
  const { yaml, beside } = CONFIG_EXAMPLES[title]!
  const own = parse(yaml) as Tree
  if (title === 'The file') return own
  const isTop = ['gateway', 'admin', 'feedback'].includes(title)
  const isKind = 'analysis' in own && !['Analysis', 'Metrics'].includes(title)
  const around = parse(beside ?? (isKind ? BESIDE_METRICS : '{}')) as Tree
  return {
    version: 1,
    gateway: { listen: '127.0.0.1:8080' },
    services: {
      s: { match: { path: '/m/*' }, variants: VARIANTS, ...around, ...(isTop ? {} : own) },
    },
    ...(isTop ? own : {}),
  }
}

for (const title of Object.keys(CONFIG_EXAMPLES)) {
  t.test(`The example of ${title} is one that serin accepts.`, (t) => {
    const result = parseConfig(stringify(fileOf(title)), { file: null, env })
    t.strictSame(result.ok ? [] : result.problems, [])
    t.end()
  })
}

t.test('Every key has a meaning, a change, and an example in its own section.', (t) => {
  const keys = configKeys()
  t.ok(keys.length > 200, `${keys.length} keys`)
  for (const { title, key } of keys) {
    const name = key.path.split('.').at(-1)!.replace('[]', '')
    t.match(key.schema['description'], /^\S.+\. Change: (?:live|restart)/, key.path)
    const isCommon = keys.some(
      (other) =>
        other.title === 'Metrics' &&
        other.key.path === key.path &&
        JSON.stringify(other.key.schema) === JSON.stringify(key.schema),
    )
    const where = isCommon ? 'Metrics' : title
    t.match(CONFIG_EXAMPLES[where]?.yaml, new RegExp(`\\b${name}:`), `${key.path} in ${where}`)
  }
  t.end()
})
