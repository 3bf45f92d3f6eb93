import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { loadConfig } from '../../src/config/load.ts'
import type { Config } from '../../src/config/config.ts'
import { DEPLOY, readDeploy, readObjects } from './manifests.ts'

type Service = {
  readonly image: string
  readonly environment?: Readonly<Record<string, string | null>>
  readonly volumes: readonly string[]
  readonly ports: readonly string[]
  readonly depends_on?: readonly string[]
  readonly secrets?: readonly string[]
  readonly stop_grace_period?: string
}
type Compose = {
  readonly services: Readonly<Record<string, Service>>
  readonly secrets: Readonly<Record<string, { readonly environment: string }>>
  readonly volumes: Readonly<Record<string, null>>
}

const FOLDER = join(DEPLOY, 'compose')
const [compose] = readObjects('compose', 'compose.yaml') as [Compose]
const { serin, prometheus, grafana } = compose.services as Readonly<
  Record<'serin' | 'prometheus' | 'grafana', Service>
>
const tokens = {
  SERIN_OPERATOR_TOKEN: 'operator-token-0123456789',
  SERIN_METRICS_TOKEN: 'metrics-token-0123456789',
}

async function readConfig(): Promise<Config> {
  const result = await loadConfig(join(FOLDER, 'serin.yaml'), tokens)
  if (!result.ok) throw new Error(JSON.stringify(result.problems))
  return result.config
}

t.test('Every file that is mounted exists, every file of the folder is used.', (t) => {
  const mounts = Object.values(compose.services).flatMap(({ volumes }) => volumes)
  const used = new Set(['compose.yaml'])
  for (const mount of mounts) {
    const [source] = mount.split(':') as [string]
    if (source.startsWith('.')) t.ok(existsSync(join(FOLDER, source)), source)
    else t.ok(source in compose.volumes, source)
    used.add(source.replace(/^\.\//, ''))
  }
  t.same(
    readdirSync(FOLDER).filter((name) => !used.has(name)),
    [],
  )
  t.end()
})

t.test('Images are of one version, serin is of this one.', (t) => {
  const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string }
  for (const { image } of Object.values(compose.services)) t.match(image, /:v?\d+\.\d+\.\d+$/)
  t.equal(serin.image, `serin:${version}`)
  t.end()
})

t.test(
  'Ports are those of the configuration, and the admin port is for this machine.',
  async (t) => {
    const { gateway, admin, store } = await readConfig()
    t.same(serin.ports, [
      `${gateway.listen.port}:${gateway.listen.port}`,
      `127.0.0.1:${admin.listen.port}:${admin.listen.port}`,
    ])
    for (const { ports } of [prometheus, grafana]) t.match(ports, [/^127\.0\.0\.1:/])
    t.match(serin.volumes, [/./, /^serin-state:/])
    t.equal(`/${serin.volumes[1]!.split(':/')[1]}`, store.engine === 'lmdb' ? store.path : '')
    const { waitMs, deadlineMs, streamsMs } = gateway.drain
    const grace = Number(/^(\d+)s$/.exec(serin.stop_grace_period!)![1]) * 1000
    t.ok(grace >= waitMs + Math.max(deadlineMs, streamsMs) + 5000)
  },
)

t.test('Prometheus scrapes serin with its token, and reads the rules.', async (t) => {
  const [{ scrape_configs: jobs, rule_files: rules }] = readObjects(
    'compose',
    'prometheus.yml',
  ) as [
    {
      readonly scrape_configs: readonly [
        {
          readonly job_name: string
          readonly authorization: { readonly credentials_file: string }
          readonly static_configs: readonly [{ readonly targets: readonly string[] }]
        },
      ]
      readonly rule_files: readonly string[]
    },
  ]
  const { admin } = await readConfig()
  t.same(jobs[0].static_configs[0].targets, [`serin:${admin.listen.port}`])
  t.equal(jobs[0].job_name, 'serin')
  const [secret] = prometheus.secrets!
  t.equal(jobs[0].authorization.credentials_file, `/run/secrets/${secret}`)
  const { environment } = compose.secrets[secret!]!
  t.ok(environment in serin.environment!)
  const reader = admin.tokens.find(
    ({ token }) => token === tokens[environment as keyof typeof tokens],
  )
  t.same(reader?.scopes, ['read'])
  t.match(prometheus.volumes, [/./, new RegExp(`:${rules[0]}:ro$`)])
})

t.test('Grafana has the data source and the dashboard.', (t) => {
  const [{ datasources }] = readObjects('compose', 'grafana-datasource.yaml') as [
    { readonly datasources: readonly [{ readonly type: string; readonly url: string }] },
  ]
  t.match(datasources, [{ type: 'prometheus', url: 'http://prometheus:9090' }])
  const [{ providers }] = readObjects('compose', 'grafana-dashboards.yaml') as [
    { readonly providers: readonly [{ readonly options: { readonly path: string } }] },
  ]
  const dashboard = grafana.volumes.find((mount) => mount.includes('grafana/serin.json'))!
  t.ok(dashboard.split(':')[1]!.startsWith(`${providers[0].options.path}/`))
  t.end()
})

t.test('Every variable of the configuration is handed on.', (t) => {
  const names = [...readDeploy('compose', 'serin.yaml').matchAll(/\$\{([A-Z_]+)/g)]
  for (const [, name] of names) t.ok(name! in serin.environment!, name!)
  t.end()
})
