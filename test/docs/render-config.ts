import { ConfigSchema } from '../../src/config/schema.ts'
import { CONFIG_EXAMPLES } from './config-examples.ts'
import { code, fence, table } from './markdown.ts'

type Schema = { readonly [keyword: string]: unknown }

/** A part of the page: the keys from `at` on, up to those that have a section of their own. */
type Section = { readonly title: string; readonly at: string; readonly about: string }

const SERVICE = 'services.<service>'

const SECTIONS: readonly Section[] = [
  { title: 'The file', at: '', about: '' },
  { title: 'gateway', at: 'gateway', about: '' },
  { title: 'admin', at: 'admin', about: 'Scopes and routes: [api.md](api.md).' },
  { title: 'feedback', at: 'feedback', about: '' },
  { title: 'A service', at: SERVICE, about: '' },
  {
    title: 'Variants',
    at: `${SERVICE}.variants.<variant>`,
    about: 'Doors, retries, health and ejection: [resilience.md](resilience.md).',
  },
  {
    title: 'Split',
    at: `${SERVICE}.split`,
    about: 'How a key becomes a variant: [assignment.md](assignment.md).',
  },
  { title: 'Mirrors', at: `${SERVICE}.mirror[]`, about: 'See [mirrors.md](mirrors.md).' },
  { title: 'Observe', at: `${SERVICE}.observe`, about: '' },
  { title: 'Rollout', at: `${SERVICE}.rollout`, about: 'Not together with `split.weights`.' },
  {
    title: 'Steps',
    at: `${SERVICE}.rollout.steps[]`,
    about: 'Each step has exactly one of `weight`, `pause` and `mirror`.',
  },
  {
    title: 'Analysis',
    at: `${SERVICE}.analysis`,
    about: 'What it means: [statistics.md](statistics.md).',
  },
  {
    title: 'Metrics',
    at: `${SERVICE}.analysis.metrics.<metric>`,
    about: 'What all kinds have. Methods and limits: [metrics.md](metrics.md).',
  },
  {
    title: 'Notify',
    at: `${SERVICE}.notify[]`,
    about: 'See [notifications.md](notifications.md).',
  },
]

/** A key of the configuration: where it may stand, and what its schema says. */
export type ConfigKey = {
  readonly path: string
  readonly schema: Schema
  readonly required: boolean
}

/** Writes every key of the configuration as a page. */
export function renderConfig(): string {
  const root = JSON.parse(JSON.stringify(ConfigSchema)) as Schema
  return [
    '# The configuration',
    'Every key of the file, made from its schema by `npm run docs:config`. `serin check -c FILE` says what is wrong with a file, and where; editors know the keys by `# yaml-language-server: $schema=…/config/serin.schema.json`. Whole files: [config/example.yaml](../config/example.yaml) and [config/examples](../config/examples).',
    FORMS,
    'A change is **live** at the next reload (a saved file, SIGHUP, `serin reload`) or needs a **restart**; what else it leads to stands in brackets. A path in the heading of a section says where its keys stand.',
    ...SECTIONS.flatMap((section) => renderSection(section, root)),
  ].join('\n\n')
}

const FORMS = `| form | is | written |
| --- | --- | --- |
| duration | a number with a unit, or 0 | \`250ms\` \`5s\` \`10m\` \`24h\` \`7d\` |
| size | a number with a unit | \`512B\` \`64KiB\` \`8MiB\` \`2GiB\` |
| percentage | a number with %, or 0 | \`5%\` \`0.1%\` |
| name | at most 63 letters, digits, dots, dashes and underscores | \`credit-risk\` |
| source | where a value of the request stands | \`header:NAME\` \`cookie:NAME\` \`query:NAME\` \`body:/json/pointer\` \`ip\` |
| variable | any value, or a part of one, from the environment; a default holds no other variable | \`\${NAME}\` \`\${NAME:-default}\` |`

function renderSection(section: Section, root: Schema): readonly string[] {
  const { title, at, about } = section
  const schema = schemaAt(root, at)
  const kinds = (schema['oneOf'] ?? []) as readonly Schema[]
  const metrics = kinds.filter((kind) => 'properties' in kind)
  const isMetrics = title === 'Metrics'
  const keys = isMetrics ? commonKeys(metrics, at) : keysOf(schema, at)
  return [
    `## ${title}`,
    [at === '' ? '' : code(at), parseNote(schema).text, about]
      .filter((text) => text !== '')
      .join(' — ')
      .replace(/ — (?=Not |Each |What |See |Doors|How |Scopes)/g, ' '),
    renderKeys(keys, at),
    fence('yaml', exampleOf(title)),
    ...(isMetrics ? metrics.flatMap((kind) => renderKind(kind, keys, at)) : []),
  ]
}

function renderKind(kind: Schema, common: readonly ConfigKey[], at: string): readonly string[] {
  const name = kindOf(kind)
  const same = new Set(common.map(({ path, schema }) => path + JSON.stringify(schema)))
  const own = keysOf(kind, at).filter(
    ({ path, schema }) => !path.endsWith('.kind') && !same.has(path + JSON.stringify(schema)),
  )
  const about = parseNote(kind).text
  return [
    `### kind: ${name}`,
    ...(about === '' ? [] : [about]),
    renderKeys(own, at, `-${name}`),
    fence('yaml', exampleOf(name)),
  ]
}

function renderKeys(keys: readonly ConfigKey[], at: string, suffix = ''): string {
  return table(
    ['key', 'value', 'default', 'meaning', 'change'],
    keys.map(({ path, schema, required }) => {
      const { text, change } = parseNote(schema)
      const own = SECTIONS.find((section) => section.at !== at && leadsTo(path, section.at))
      const link = own === undefined ? '' : ` See [${own.title}](#${anchorOf(own.title)}).`
      const name = at === '' ? path : path.slice(at.length + 1)
      const fallback = 'default' in schema ? code(schema['default']) : required ? 'required' : ''
      const anchor = `<a id="${path.replaceAll(/[<>[\]]/g, '')}${suffix}"></a>`
      return [`${anchor}${code(name)}`, describeValue(schema), fallback, `${text}${link}`, change]
    }),
  )
}

function leadsTo(path: string, section: string): boolean {
  return section === path || section === `${path}[]` || section.replace(/\.<\w+>$/, '') === path
}

/** Every key below a place, without those of sections of their own; maps within it flattened. */
function keysOf(schema: Schema, at: string): readonly ConfigKey[] {
  const required = (schema['required'] ?? []) as readonly string[]
  const properties = (schema['properties'] ?? {}) as Readonly<Record<string, Schema>>
  return Object.entries(properties).flatMap(([name, field]) => {
    const path = at === '' ? name : `${at}.${name}`
    const key = { path, schema: field, required: required.includes(name) }
    if (SECTIONS.some((section) => section.at !== '' && leadsTo(path, section.at))) return [key]
    const inside = insideOf(field)
    return [key, ...(inside === null ? [] : keysOf(inside.schema, `${path}${inside.step}`))]
  })
}

/** The map that a list or a map of names holds, or the field itself. */
function insideOf(field: Schema): { readonly schema: Schema; readonly step: string } | null {
  if ('properties' in field) return { schema: field, step: '' }
  const items = field['items'] as Schema | undefined
  if (items !== undefined && 'properties' in items) return { schema: items, step: '[]' }
  const values = field['additionalProperties']
  if (typeof values !== 'object' || values === null) return null
  const branches = ((values as Schema)['anyOf'] ?? [values]) as readonly Schema[]
  const map = branches.find((branch) => 'properties' in branch)
  return map === undefined ? null : { schema: map, step: '.<source>' }
}

function schemaAt(root: Schema, at: string): Schema {
  return at
    .split(/\.|(?=\[\])/)
    .filter((step) => step !== '')
    .reduce((schema, step) => {
      if (step === '[]') return schema['items'] as Schema
      if (step.startsWith('<')) return schema['additionalProperties'] as Schema
      return (schema['properties'] as Readonly<Record<string, Schema>>)[step]!
    }, root)
}

/** What all kinds have, as most of them have it. */
function commonKeys(kinds: readonly Schema[], at: string): readonly ConfigKey[] {
  const [first] = kinds
  const words = kinds.map(kindOf)
  const kind: ConfigKey = {
    path: `${at}.kind`,
    schema: {
      ...(first!['properties'] as Record<string, Schema>)['kind']!,
      const: undefined,
      enum: words,
    },
    required: true,
  }
  const rest = keysOf(first!, at).filter(({ path, schema }) => {
    const namesakes = kinds.flatMap((other) => keysOf(other, at).filter((key) => key.path === path))
    const same = namesakes.filter((key) => JSON.stringify(key.schema) === JSON.stringify(schema))
    return namesakes.length === kinds.length && same.length * 2 > kinds.length
  })
  return [kind, ...rest]
}

function kindOf(kind: Schema): string {
  return String((kind['properties'] as Readonly<Record<string, Schema>>)['kind']!['const'])
}

/** A description without what has a column of its own. */
function parseNote({ description = '' }: Schema): {
  readonly text: string
  readonly change: string
} {
  const [, text = '', change = ''] =
    /^(.*?)(?: Default: .*?\.)?(?: Change: (.*)\.)?$/s.exec(String(description)) ?? []
  return { text, change }
}

function describeValue(schema: Schema): string {
  const { title, type, items, enum: words, const: only } = schema
  if (Array.isArray(words)) return words.map(code).join(' ')
  if (only !== undefined) return code(only)
  if (type === 'array') return `list: ${describeValue(items as Schema)}`
  // The forms of these stand at the head of the page.
  if (typeof title === 'string')
    return title.replace(/^a (duration|size|percentage)(.*?) such as.*$/, '$1$2')
  return type === 'object' ? 'map' : String(type)
}

function anchorOf(title: string): string {
  return title.toLowerCase().replaceAll(' ', '-')
}

function exampleOf(title: string): string {
  const example = CONFIG_EXAMPLES[title]
  if (example === undefined) throw new Error(`there is no example of ${title}`)
  return example.yaml.trim()
}

/** Every key of the page, by the title of its section. */
export function configKeys(): readonly { readonly title: string; readonly key: ConfigKey }[] {
  const root = JSON.parse(JSON.stringify(ConfigSchema)) as Schema
  return SECTIONS.flatMap(({ title, at }) => {
    const schema = schemaAt(root, at)
    const kinds = (schema['oneOf'] ?? []) as readonly Schema[]
    if (title !== 'Metrics') return keysOf(schema, at).map((key) => ({ title, key }))
    return [
      ...commonKeys(kinds, at).map((key) => ({ title, key })),
      ...kinds.flatMap((kind) => keysOf(kind, at).map((key) => ({ title: kindOf(kind), key }))),
    ]
  })
}
