import t from 'tap'
import { execFile } from 'node:child_process'
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, sep } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)
const root = process.cwd()
const bin = (name: string) => join(root, 'node_modules', '.bin', name)

/** Folders of src/ from the ground up; the folders of one floor never see each other. */
const FLOORS: readonly (readonly string[])[] = [
  ['domain'],
  ['routing', 'statistics'],
  ['rollout'],
  ['config', 'metrics', 'store', 'feedback'],
  ['proxy', 'evaluator', 'notify', 'admin'],
]
const CORE_FLOORS = 3

/** A fixture's path below the fixture tree, its text, and the rules that must refuse it (none = it is allowed). */
type Fixture = {
  readonly path: string
  readonly text: string
  readonly refusedBy: readonly string[]
}

const LAYER_RULE = 'eslint(no-restricted-imports)'
const folders = FLOORS.flat()
const floorOf = (folder: string) => FLOORS.findIndex((floor) => floor.includes(folder))
const core = FLOORS.slice(0, CORE_FLOORS).flat()

const edges: readonly Fixture[] = folders.flatMap((from) =>
  folders
    .filter((to) => to !== from)
    .map((to) => ({
      path: `src/${from}/imports-${to}.ts`,
      text: `import type { Thing } from '../${to}/thing.ts'\nexport type It = Thing\n`,
      refusedBy: floorOf(to) < floorOf(from) ? [] : [LAYER_RULE],
    })),
)

const fromAbove: readonly Fixture[] = folders.flatMap((from) =>
  ['gateway.ts', 'main.ts', 'workers/thing.ts', 'cli/thing.ts', 'demo/thing.ts'].map((to) => ({
    path: `src/${from}/imports-${to.replace(/\W/g, '-')}.ts`,
    text: `export * from '../${to}'\n`,
    refusedBy: [LAYER_RULE],
  })),
)

const packages: readonly Fixture[] = folders.flatMap((from) =>
  ['undici', 'node:fs', 'fs'].map((to) => ({
    path: `src/${from}/imports-${to.replace(/\W/g, '-')}.ts`,
    text: `import * as it from '${to}'\nexport const use = it\n`,
    refusedBy: core.includes(from) ? [LAYER_RULE] : [],
  })),
)

const single: readonly Fixture[] = [
  allowed('src/rollout/own-folder.ts', "export * from './thing.ts'\n"),
  allowed(
    'src/gateway.ts',
    "export * from './proxy/thing.ts'\nexport * from './domain/thing.ts'\n",
  ),
  refused('src/beside-gateway.ts', "export * from './cli/thing.ts'\n", LAYER_RULE),
  refused('src/above-gateway.ts', "export * from './workers/thing.ts'\n", LAYER_RULE),
  allowed('src/workers/gateway.ts', "export * from '../gateway.ts'\n"),
  refused('src/workers/cli.ts', "export * from '../cli/thing.ts'\n", LAYER_RULE),
  allowed('src/cli/workers.ts', "export * from '../workers/thing.ts'\n"),
  allowed('src/main.ts', "export * from './cli/thing.ts'\nexport * from './gateway.ts'\n"),
  refused(
    'src/domain/dynamic.ts',
    "export const it = () => import('../store/thing.ts')\n",
    LAYER_RULE,
  ),
  refused(
    'src/domain/type-form.ts',
    "export type It = import('../store/thing.ts').Thing\n",
    'typescript(consistent-type-imports)',
  ),
  ...[
    '../../present-thing.ts',
    '../../identity.ts',
    '../link/thing.ts',
    '../../../rollout/format.ts',
  ].map((to, i) => allowed(`src/admin/dashboard/live/allowed-${i}.ts`, `export * from '${to}'\n`)),
  ...['../../auth.ts', '../../../store/thing.ts', '../../../rollout/thing.ts', 'node:fs'].map(
    (to, i) =>
      refused(`src/admin/dashboard/live/refused-${i}.ts`, `export * from '${to}'\n`, LAYER_RULE),
  ),
  refused('src/store/out-of-src.ts', "export * from '../../test/thing.ts'\n", LAYER_RULE),
  refused('src/cli/out-of-src.ts', "export * from '../../bench/thing.ts'\n", LAYER_RULE),
  ...core.flatMap((folder) => [
    refused(
      `src/${folder}/date.ts`,
      'export const at = () => Date.now()\n',
      'eslint(no-restricted-globals)',
    ),
    refused(
      `src/${folder}/new-date.ts`,
      'export const at = new Date()\n',
      'eslint(no-restricted-globals)',
    ),
    refused(
      `src/${folder}/hidden-date.ts`,
      'export const at = () => globalThis.Date.now()\n',
      'eslint(no-restricted-globals)',
    ),
    refused(
      `src/${folder}/timer.ts`,
      'export const later = (act: () => void) => setTimeout(act, 1)\n',
      'eslint(no-restricted-globals)',
    ),
    refused(
      `src/${folder}/promise.ts`,
      'export const done = Promise.resolve(1)\n',
      'eslint(no-restricted-globals)',
    ),
    refused(`src/${folder}/async.ts`, 'export async function act() {}\n', 'oxc(no-async-await)'),
    refused(
      `src/${folder}/random.ts`,
      'export const u = Math.random()\n',
      'eslint(no-restricted-properties)',
    ),
  ]),
  refused(
    'src/evaluator/clock.ts',
    'export const at = Date.now()\n',
    'eslint(no-restricted-properties)',
  ),
  refused(
    'src/store/random.ts',
    'export const u = Math.random()\n',
    'eslint(no-restricted-properties)',
  ),
  refused('src/proxy/console.ts', "console.log('x')\nexport {}\n", 'eslint(no-console)'),
  allowed('src/cli/console.ts', "console.log('x')\nexport {}\n"),
  refused('src/proxy/default.ts', 'export default 1\n', 'import(no-default-export)'),
  refused('src/proxy/long.ts', 'export {}\n'.repeat(301), 'eslint(max-lines)'),
  refused('src/proxy/cycle-a.ts', "export * from './cycle-b.ts'\n", 'import(no-cycle)'),
  refused('src/proxy/cycle-b.ts', "export * from './cycle-a.ts'\n", 'import(no-cycle)'),
  refused(
    'src/proxy/floating.ts',
    'const act = async () => {}\nexport const go = () => {\n  act()\n}\n',
    'typescript(no-floating-promises)',
  ),
  refused(
    'src/proxy/misused.ts',
    'const act = async () => true\nexport const go = () => {\n  if (act()) return 1\n  return 2\n}\n',
    'typescript(no-misused-promises)',
  ),
  refused(
    'src/proxy/inexhaustive.ts',
    "export const name = (x: 'a' | 'b') => {\n  switch (x) {\n    case 'a':\n      return 1\n  }\n  return 2\n}\n",
    'typescript(switch-exhaustiveness-check)',
  ),
]

/** What the other fixtures import: without it the linter could not tell a cycle from a dead link. */
const things: readonly Fixture[] = [...folders, 'workers', 'cli', 'demo'].map((folder) =>
  allowed(`src/${folder}/thing.ts`, 'export type Thing = string\nexport const thing = 1\n'),
)

t.test('the linter refuses every import against the layers, and no other', async (t) => {
  const fixtures = [...things, ...edges, ...fromAbove, ...packages, ...single]
  // Outside of the project: the linter passes over whatever git ignores.
  const dir = mkdtempSync(join(tmpdir(), 'serin-layers-'))
  t.teardown(() => rmSync(dir, { recursive: true }))
  for (const file of ['.oxlintrc.json', 'tsconfig.json'])
    copyFileSync(join(root, file), join(dir, file))
  symlinkSync(join(root, 'node_modules'), join(dir, 'node_modules'))
  for (const { path, text } of fixtures) {
    mkdirSync(dirname(join(dir, path)), { recursive: true })
    writeFileSync(join(dir, path), text)
  }
  const found = await lint(dir)
  for (const { path, refusedBy } of fixtures) t.strictSame(found.get(path) ?? [], refusedBy, path)
})

t.test('every folder of src/ has its place in the layers', async (t) => {
  const present = readdirSync(join(root, 'src'), { withFileTypes: true })
  const known = new Set([...folders, 'workers', 'cli', 'demo'])
  t.strictSame(
    present.filter((entry) => entry.isDirectory() && !known.has(entry.name)).map((e) => e.name),
    [],
    'a new folder needs its rules in .oxlintrc.json and its floor here',
  )
})

t.test('the core does not even compile with what only a host has', async (t) => {
  const words = [
    'process.pid',
    'setTimeout(() => 1, 1)',
    'Buffer.alloc(1)',
    "fetch('x')",
    'performance.now()',
  ]
  const dir = t.testdir({
    'tsconfig.json': JSON.stringify({
      extends: join(root, 'config/tsconfig.core.json'),
      include: ['*.ts'],
    }),
    'allowed.ts': 'export const root = Math.sqrt(2)\n',
    ...Object.fromEntries(
      words.map((word, i) => [`refused-${i}.ts`, `export const it = ${word}\n`]),
    ),
  })
  const { stdout, code } = await outputOf(bin('tsc'), ['-p', dir, '--pretty', 'false'], dir)
  t.equal(code === 0, false, 'the compiler fails')
  words.forEach((word, i) => t.match(stdout, `refused-${i}.ts(1,19): error TS`, word))
  t.notMatch(stdout, 'allowed.ts')
})

function allowed(path: string, text: string): Fixture {
  return { path, text, refusedBy: [] }
}

function refused(path: string, text: string, rule: string): Fixture {
  return { path, text, refusedBy: [rule] }
}

/** Runs the linter over a fixture tree; the distinct rules that spoke, by file. */
async function lint(dir: string): Promise<Map<string, string[]>> {
  const { stdout } = await outputOf(bin('oxlint'), ['-f', 'json', 'src'], dir)
  const { diagnostics } = JSON.parse(stdout) as {
    diagnostics: { code: string; filename: string }[]
  }
  const found = new Map<string, string[]>()
  for (const { code, filename } of diagnostics) {
    const path = filename.split(sep).join('/')
    const rules = found.get(path) ?? []
    if (!rules.includes(code)) found.set(path, [...rules, code])
  }
  return found
}

/** A command's output and exit code, whichever it is. */
async function outputOf(file: string, args: readonly string[], cwd: string) {
  try {
    // `env -u`: tools are not covered.
    const plain = ['-u', 'NODE_V8_COVERAGE', file, ...args]
    const { stdout } = await run('env', plain, { cwd, maxBuffer: 64 * 1024 ** 2 })
    return { stdout, code: 0 }
  } catch (error) {
    const { stdout, code } = error as { stdout: string; code: number }
    return { stdout, code }
  }
}
