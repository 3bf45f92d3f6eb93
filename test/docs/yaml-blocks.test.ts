import t from 'tap'
import { parse, stringify } from 'yaml'
import { parseConfig } from '../../src/config/load.ts'
import { formatProblem } from '../../src/config/problem.ts'
import { fencedBlocks } from './markdown-pages.ts'

type Tree = { readonly [key: string]: unknown }

/** Any variable of the environment is set: to an address, or to what is long enough for a token. */
const env: Readonly<Record<string, string>> = new Proxy(
  {},
  {
    get: (_, name) =>
      String(name).endsWith('_URL')
        ? 'https://hooks.example.com/path'
        : `${String(name)}-0123456789abcdef`,
  },
)

const ROOT = ['version', 'gateway', 'admin', 'store', 'feedback', 'passthrough', 'services']
const SERVICE = [
  ...['match', 'idempotent', 'variants', 'split', 'mirror', 'observe', 'errors'],
  ...['rollout', 'analysis', 'notify'],
]

const VARIANTS = {
  baseline: { version: '1', upstreams: ['http://10.0.0.1:8000'] },
  canary: { version: '2', upstreams: ['http://10.0.0.2:8000'] },
}

/** Blocks that are written for another program. */
const OTHER = ['scrape_configs']

/** The whole file that a block is a part of; null where it is no part of a configuration. */
function wholeOf(block: Tree): Tree | null {
  const keys = Object.keys(block)
  const observe = { prediction: 'body:/outputs/0/data/0' }
  const service = { match: { path: '/m/*' }, idempotent: true, variants: VARIANTS, observe }
  const around = (more: Tree, own: Tree = {}) => ({
    ...{
      version: 1,
      gateway: { listen: '127.0.0.1:8080' },
      services: { s: { ...service, ...own } },
    },
    ...more,
  })
  if (keys.every((key) => ROOT.includes(key))) return around(block)
  if (keys.every((key) => SERVICE.includes(key))) {
    const { variants, split } = block as { readonly variants?: Tree; readonly split?: Tree }
    const named = Object.keys((split?.['weights'] ?? {}) as Tree).map((name, i) => [
      name,
      { version: `3.${i}`, upstreams: ['http://10.0.0.3:8000'] },
    ])
    return around(
      {},
      { ...block, variants: { ...Object.fromEntries(named), ...VARIANTS, ...variants } },
    )
  }
  return keys.some((key) => OTHER.includes(key)) ? null : around({}, { analysis: block })
}

t.test('Every YAML block of the documents is a configuration, or a part of one.', (t) => {
  // Those of the page that is made from the schema have a test of their own, which knows what stands around each.
  const blocks = fencedBlocks().filter(
    ({ language, page }) => language === 'yaml' && page !== 'docs/configuration.md',
  )
  t.ok(blocks.length > 15, `${blocks.length} blocks`)
  for (const { page, line, text } of blocks) {
    const whole = wholeOf(parse(text) as Tree)
    if (whole === null) continue
    const result = parseConfig(stringify(whole), { file: null, env })
    const problems = result.ok ? [] : result.problems.map(formatProblem)
    t.strictSame(problems, [], `${page}:${line}`)
  }
  t.end()
})
