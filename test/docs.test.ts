import t from 'tap'
import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { loadConfig, parseConfig } from '../src/config/load.ts'
import { DISAGREEMENTS, MIRROR_RESULTS } from '../src/metrics/mirror-book.ts'
import { createMetricsRegistry } from '../src/metrics/registry.ts'
import { NOTIFY_EVENTS } from '../src/domain/notify.ts'
import { sign } from '../src/notify/sign.ts'

const root = process.cwd()
const pages = [
  ...readdirSync(root).filter((file) => file.endsWith('.md')),
  'bench/README.md',
  'bench/calibration/README.md',
  ...readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.md'))
    .map((file) => join('docs', file)),
]
const read = (page: string) => readFileSync(join(root, page), 'utf8')

t.test("the README's configuration is one that serin accepts without a warning", async (t) => {
  const text = /```yaml\n([\s\S]+?)```/.exec(read('README.md'))![1]!
  const result = parseConfig(text, { file: null, env: {} })
  t.strictSame(result.ok ? result.warnings : result.problems, [])
})

t.test("the benchmark's configurations are ones that serin accepts", async (t) => {
  const env = {
    BENCH_PORT: '8080',
    BENCH_ADMIN_PORT: '9090',
    BENCH_UPSTREAM_PORT: '8000',
    BENCH_STORE: '/tmp/serin-bench',
  }
  const files = readdirSync(join(root, 'bench/contenders')).filter((f) => f.endsWith('.yaml'))
  t.ok(files.length > 0)
  for (const file of files) {
    const result = await loadConfig(join(root, 'bench/contenders', file), env)
    t.strictSame(result.ok ? [] : result.problems, [], file)
  }
})

t.test('every link between the documents leads somewhere', async (t) => {
  for (const page of pages) {
    for (const [, target] of read(page).matchAll(/\]\((?!https?:)([^)#]+)[^)]*\)/g)) {
      t.ok(existsSync(join(root, dirname(page), target!)), `${page} → ${target}`)
    }
  }
})

t.test(
  'docs/architecture.md names every file of the composition root, and none that is gone',
  (t) => {
    const page = read('docs/architecture.md')
    const files = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
    const named = new Set([...page.matchAll(/`([\w/-]+\.ts)`/g)].map(([, file]) => file!))
    for (const file of files.filter((file) => /^[\w-]+\.ts$/.test(file)))
      t.ok(named.has(file), file)
    for (const file of named)
      t.ok(
        files.some((each) => each === file || each.endsWith(`/${file}`)) || existsSync(file),
        `${file} exists`,
      )
    t.end()
  },
)

t.test('every rule of docs/http.md is named by the tests that it points to', async (t) => {
  const rows = [...read('docs/http.md').matchAll(/^\| \d+ +\|(.+?)\|(.+?)\|.*\]\(\.\.\/(.+?)\)/gm)]
  t.ok(rows.length >= 39, `${rows.length} rules`)
  for (const [, rule, section, file] of rows) {
    t.ok(read(file!).includes(`${rule!.trim()} (${section!.trim()})`), `${rule} in ${file}`)
  }
})

t.test('every test that docs/behaviours.md names exists under its title', async (t) => {
  const rows = [...read('docs/behaviours.md').matchAll(/^\|.+\| \[(.+?)\]\(\.\.\/(\S+?)\) +\|$/gm)]
  t.ok(rows.length >= 45, `${rows.length} behaviours`)
  for (const [, title, file] of rows) {
    const found = titlesOf(file!).includes(title!)
    t.ok(found, `${file}: ${title}`)
  }
})

t.test(
  'each of the 37 cases of counted measurements is named by the tests that it points to',
  async (t) => {
    const lists = [
      ...read('docs/behaviours.md').matchAll(/^- .*\(\.\.\/(\S+?)\): cases? ([\d, ]+)$/gm),
    ]
    const named = new Set<number>()
    for (const [, file, numbers] of lists) {
      const told = titlesOf(file!).flatMap((title) => {
        const [, first, last = first] = /^cases? (\d+)(?:–(\d+))?/.exec(title) ?? []
        return first === undefined ? [] : [[Number(first), Number(last)] as const]
      })
      for (const n of numbers!.split(', ').map(Number)) {
        t.ok(
          told.some(([first, last]) => first <= n && n <= last),
          `${file}: case ${n}`,
        )
        named.add(n)
      }
    }
    for (let n = 1; n <= 37; n++) t.ok(named.has(n), `case ${n}`)
  },
)

/** Titles of a suite's tests, as they stand in its source. */
function titlesOf(file: string): readonly string[] {
  return [...read(file).matchAll(/\btest\(\s*(['"`])([^]+?)\1,/g)].map(([, , title]) => title!)
}

t.test('every rule of docs/statistics.md has a test that is named after it', async (t) => {
  const rules = [
    ...read('docs/statistics.md').matchAll(/\(\[test\]\(\.\.\/(\S+)\):\s+`(Rule (\d+))`\)/g),
  ]
  t.same(
    rules.map(([, , , number]) => Number(number)),
    Array.from({ length: 14 }, (_, i) => i + 1),
  )
  for (const [, file, rule] of rules) t.ok(read(file!).includes(`${rule}: `), `${rule} in ${file}`)
})

t.test('every rule of docs/security.md has a test of that name', async (t) => {
  const rules = [...read('docs/security.md').matchAll(/\[[a-z-]+\]\(\.\.\/(\S+)\): `(.+?)`/g)]
  t.ok(rules.length >= 27, `${rules.length} rules`)
  for (const [, file, title] of rules) t.ok(read(file!).includes(title!), `${title} in ${file}`)
})

t.test('docs/mirrors.md names every series of mirrors, and every word of theirs', async (t) => {
  const registry = createMetricsRegistry({
    withoutStore: () => ({ disk: 0, configuration: 0 }),
    ...{ version: '1', services: () => [], leads: () => true, replicas: () => null },
    linesLost: () => 0,
    certificateNotAfter: () => null,
    forgotten: () => ({ expired: 0, evicted: 0, dropped: 0 }),
  })
  const { body } = await registry.render()
  const series = (text: string, pattern: RegExp) =>
    [...new Set([...text.matchAll(pattern)].map(([, name]) => name!))].sort()
  const page = read('docs/mirrors.md')
  t.same(
    series(page, /`(serin_mirror_\w+)/g),
    series(body, /^# TYPE (serin_mirror_\w+)/gm),
    'in code marks',
  )
  for (const word of [...MIRROR_RESULTS, ...DISAGREEMENTS]) t.ok(page.includes(`\`${word}\``), word)
})

t.test(
  'the code of docs/notifications.md verifies what serin signs, and nothing else',
  async (t) => {
    const code = /```js\n([\s\S]+?)```/.exec(read('docs/notifications.md'))![1]!
    const { isFromSerin } = (await import(`data:text/javascript,${encodeURIComponent(code)}`)) as {
      isFromSerin: (secret: string, signature: string, body: string, now?: number) => boolean
    }
    const now = 1_767_225_600
    const body = '{"summary":"α"}'
    const signature = sign('s', now, body)
    t.ok(isFromSerin('s', signature, body, now + 300))
    t.notOk(isFromSerin('other', signature, body, now))
    t.notOk(isFromSerin('s', signature, `${body} `, now))
    t.notOk(isFromSerin('s', signature, body, now + 301), 'old')
    t.notOk(isFromSerin('s', signature, body), 'old by the clock')
    t.notOk(isFromSerin('s', signature.slice(0, -1), body, now))
    t.notOk(isFromSerin('s', signature.replace('t=1', 't=2'), body, now))
  },
)

t.test('docs/notifications.md explains every event, and no other', async (t) => {
  const rows = [...read('docs/notifications.md').matchAll(/^\| `([a-z-]+)` +\|.+\|.+\|$/gm)]
  const named = rows.map(([, event]) => event!).filter((name) => !name.startsWith('x-serin'))
  t.same(named.sort(), [...NOTIFY_EVENTS].sort())
})

t.test('every script that the documents name exists', async (t) => {
  const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> }
  for (const page of pages) {
    for (const [, name] of read(page).matchAll(/npm run ([a-z:]+)/g)) {
      t.ok(name! in scripts, `${page}: npm run ${name}`)
    }
  }
})
