import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { shellBlocks } from '../docs/shell/blocks.ts'
import { startModel } from './support/model-server.ts'
import { seeded } from './support/seeded.ts'
import { startSerin, writeConfig } from './support/serin-process.ts'

const ROOT = fileURLToPath(new URL('../../../', import.meta.url))

/** Licences under which a dependency may be shipped: none of them asks anything of who uses serin. */
const LICENCES = new Set([
  'MIT',
  'ISC',
  'Apache-2.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'BlueOak-1.0.0',
])

type Packed = { readonly filename: string; readonly files: readonly { readonly path: string }[] }

type Sbom = {
  readonly components: readonly {
    readonly name: string
    readonly licenses?: readonly {
      readonly license?: { readonly id?: string; readonly name?: string }
    }[]
  }[]
}

const npm = (
  args: readonly string[],
  cwd: string,
  settings: Readonly<Record<string, string>> = {},
) =>
  execFileSync('npm', args, {
    ...{ cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] },
    env: { ...process.env, ...settings },
  })

/** The page's own commands; what differs here is set in the environment. */
const [INSTALL_ALL, PACK, INSTALL] = shellBlocks()
  .find(({ page, text }) => page === 'docs/operations.md' && text.includes('npm pack'))!
  .text.split('\n')
  .map((line) => line.split(' '))

t.test('The package installs in an empty folder, and serves from there.', async (t) => {
  // Far from the project: in a folder of its own Node would find what only its tests depend on.
  const folder = mkdtempSync(join(tmpdir(), 'serin-package-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  writeFileSync(join(folder, 'package.json'), '{"private":true}')
  t.same(INSTALL_ALL, ['npm', 'ci'], 'which was done, or nothing would run here')
  t.equal(PACK![0], 'npm')
  const [packed] = JSON.parse(
    npm(PACK!.slice(1), ROOT, {
      ...{ npm_config_json: 'true', npm_config_loglevel: 'silent' },
      npm_config_pack_destination: folder,
    }),
  ) as readonly Packed[]
  t.same(
    [...new Set(packed!.files.map(({ path }) => path.split('/')[0]!))].toSorted(),
    [...copiedByTheDockerfile(), 'package.json'].toSorted(),
    'it holds what the image holds',
  )
  t.equal(INSTALL!.at(-1), `./${packed!.filename}`)
  t.equal(INSTALL![0], 'npm')
  npm(INSTALL!.slice(1), folder, {
    ...{ npm_config_prefer_offline: 'true', npm_config_audit: 'false', npm_config_fund: 'false' },
  })
  const serin = join(folder, 'node_modules/.bin/serin')
  const run = (...args: readonly string[]) =>
    execFileSync(serin, args, { cwd: folder, encoding: 'utf8' })
  const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
    readonly version: string
  }
  t.equal(run('--version'), `${version}\n`)
  const good = { error: 1, failures: 0 }
  const models = [
    await startModel(t, seeded(1), good),
    await startModel(t, seeded(2), good),
  ] as const
  run('init', '--baseline', models[0].origin, '--canary', models[1].origin)
  const file = join(folder, 'serin.yaml')
  const text = readFileSync(file, 'utf8').replace(/127\.0\.0\.1:(8080|9090)/g, '127.0.0.1:0')
  const gateway = await startSerin(t, writeConfig(folder, text), {}, [serin])
  const answer = await fetch(`${gateway.data}/v2/models/my-model/infer`, { method: 'POST' })
  t.equal(answer.status, 200)
  const page = await fetch(gateway.admin, { headers: { accept: 'text/html' } })
  const script = /src="(assets\/main-.+?\.js)"/.exec(await page.text())![1]!
  t.equal((await fetch(new URL(script, gateway.admin))).status, 200, 'the dashboard is part of it')
  t.match(await gateway.stop(), { code: 0, stderr: '' })
})

t.test('Every dependency that is shipped has a licence that asks nothing of users.', (t) => {
  const { components } = JSON.parse(npm(['run', '--silent', 'sbom'], ROOT)) as Sbom
  t.ok(components.length > 50)
  for (const { name, licenses } of components) {
    const found = (licenses ?? []).map(({ license }) => license?.id ?? license?.name ?? '')
    t.ok(found.length > 0 && found.every((id) => LICENCES.has(id)), `${name}: ${found.join()}`)
  }
  t.end()
})

t.test('What is installed is what the lock file knows, and runs no script in the image.', (t) => {
  const lock = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8')) as {
    readonly packages: Readonly<Record<string, { readonly integrity?: string }>>
  }
  const unknown = Object.keys(lock.packages).filter(
    (path) => path !== '' && lock.packages[path]!.integrity?.startsWith('sha512-') !== true,
  )
  t.same(unknown, [], 'each has a digest')
  const installs = readFileSync(join(ROOT, 'Dockerfile'), 'utf8').match(/npm (?:ci|install).*/g)
  t.same(installs, ['npm ci --ignore-scripts'])
  t.end()
})

/** What the last stage of the Dockerfile takes from the project, dependencies left out. */
function copiedByTheDockerfile(): readonly string[] {
  const text = readFileSync(join(ROOT, 'Dockerfile'), 'utf8')
  const last = text.slice(text.lastIndexOf('\nFROM '))
  return [...last.matchAll(/^COPY (?:--from=build )?(.+) \S+$/gm)]
    .flatMap(([, sources]) => sources!.split(' '))
    .map((source) => source.replace(/^\/build\//, ''))
    .filter((name) => name !== 'node_modules' && name !== 'package.json')
}
