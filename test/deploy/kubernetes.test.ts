import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { isDeepStrictEqual } from 'node:util'
import { Redis } from 'ioredis'
import t from 'tap'
import { skipWithout } from '../e2e/support/programs.ts'
import { until } from '../e2e/support/until.ts'
import { freePort } from '../support/free-port.ts'
import { readObjects, type Container, type Manifest, type PodSpec } from './manifests.ts'
import { parseConfig, type ConfigResult } from '../../src/config/load.ts'
import type { Config } from '../../src/config/config.ts'

const require = createRequire(import.meta.url)
const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string }

const FILES = [
  ...readdirSync('config/deploy/kubernetes').map((name) => ['kubernetes', name] as const),
  ['sidecar', 'deployment.yaml'] as const,
]
const of = (folder: string) =>
  FILES.filter(([place]) => place === folder).flatMap(
    (path) => readObjects(...path) as readonly Manifest[],
  )

for (const path of FILES) {
  t.test(`${path.join('/')} is what the schemas of Kubernetes allow.`, (t) => {
    for (const object of readObjects(...path) as readonly Manifest[]) {
      const name = `${object.kind} ${object.metadata.name}`
      t.doesNotThrow(() => validate(object), name)
      const wrong = { ...object, metadata: { ...object.metadata, name: 7 } }
      t.throws(() => validate(wrong as never), /name/, `${name}: the schema looks`)
    }
    t.end()
  })
}

for (const folder of ['kubernetes', 'sidecar']) {
  const objects = of(folder)
  const config = configOf(objects)
  const pod = podOf(objects)
  const serin = pod.containers.find(({ name }) => name === 'serin')!

  t.test(`${folder}: ports, probes and files are those of the configuration.`, (t) => {
    const ports = Object.fromEntries(serin.ports!.map((p) => [p.name, p.containerPort]))
    t.equal(ports['http'], config.gateway.listen.port)
    if (ports['admin'] !== undefined) t.equal(ports['admin'], config.admin.listen.port)
    const targets = objects
      .filter(({ kind, metadata }) => kind === 'Service' && metadata.name !== 'serin-redis')
      .flatMap(({ spec }) => spec!.ports!.map(({ targetPort }) => targetPort))
    t.ok(targets.length > 0 && targets.every((name) => ports[name] !== undefined), targets.join())
    t.match(serin.readinessProbe!.httpGet, { path: config.gateway.healthPath, port: 'http' })
    const { startupProbe, livenessProbe } = serin
    for (const probe of [startupProbe, livenessProbe]) {
      if (probe !== undefined) t.match(probe.httpGet, { path: '/healthz', port: 'admin' })
    }
    const mounts = serin.volumeMounts.map(({ mountPath }) => mountPath)
    const state = config.store.engine === 'lmdb' ? config.store.path : config.lastWeights
    t.ok(mounts.includes('/etc/serin') && mounts.some((mount) => state.startsWith(mount)), state)
    t.equal(serin.image, `serin:${version}`, 'the image of this version')
    t.end()
  })

  t.test(
    `${folder}: the grace period is longer than the drain, and its readiness is seen.`,
    (t) => {
      const { waitMs, deadlineMs, streamsMs } = config.gateway.drain
      const drainMs = waitMs + Math.max(deadlineMs, streamsMs)
      t.ok(pod.terminationGracePeriodSeconds * 1000 >= drainMs + 10_000)
      const { periodSeconds, failureThreshold } = serin.readinessProbe!
      t.ok(periodSeconds * failureThreshold! * 1000 < waitMs, 'out of the endpoints in drain.wait')
      const { lifecycle } = pod.containers.find(({ name }) => name === 'model') ?? {}
      if (lifecycle !== undefined) {
        const [, seconds] = lifecycle.preStop.exec.command
        t.ok(Number(seconds) * 1000 >= drainMs, 'the model outlives the drain')
        t.ok(Number(seconds) < pod.terminationGracePeriodSeconds)
      }
      t.end()
    },
  )

  t.test(`${folder}: containers of ours may do no more than they need.`, (t) => {
    for (const container of allContainers(objects)) {
      if (container.name === 'model') continue
      t.match(container.securityContext, {
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ['ALL'] },
      })
      t.match(container.image, /:[^:]*\d+\.\d+[^:]*$/, 'a version, no moving tag')
    }
    t.end()
  })
}

t.test(
  'kubernetes: every secret that is used is there, and every one that is there is used.',
  (t) => {
    const objects = of('kubernetes')
    const secret = objects.find(({ kind }) => kind === 'Secret')!
    const text = objects.find(({ kind }) => kind === 'ConfigMap')!.data!['serin.yaml']!
    const used = new Set([...text.matchAll(/\$\{([A-Z_]+)\}/g)].map(([, name]) => name!))
    t.same([...used].toSorted(), Object.keys(secret.stringData!).toSorted())
    const [serin] = podOf(objects).containers
    t.match(serin!.envFrom, [{ secretRef: { name: secret.metadata.name } }])
    t.end()
  },
)

t.test('kubernetes: Redis and the admin port are for those who need them.', (t) => {
  const objects = of('kubernetes')
  const pods = objects.flatMap(({ spec }) => spec?.template ?? [])
  const policies = objects.filter(({ kind }) => kind === 'NetworkPolicy')
  t.equal(policies.length, pods.length, 'each pod has one')
  for (const { metadata, spec } of policies) {
    const { podSelector, policyTypes, ingress } = spec as unknown as Policy
    t.same(policyTypes, ['Ingress'])
    const pod = pods.find((each) =>
      isDeepStrictEqual(each.metadata.labels, podSelector.matchLabels),
    )
    const ports = pod!.spec.containers.flatMap((container) => container.ports ?? [])
    const named = ingress.flatMap((rule) => rule.ports.map(({ port }) => port))
    t.same(named.toSorted(), ports.map(({ name }) => name).toSorted(), `ports of ${metadata.name}`)
    for (const { from, ports } of ingress)
      t.equal(from === undefined, ports[0]!.port === 'http', `who may ask ${ports[0]!.port}`)
  }
  const redis = policies.find(({ metadata }) => metadata.name === 'serin-redis')!
  const [rule] = (redis.spec as unknown as Policy).ingress
  t.same(rule!.from, [{ podSelector: { matchLabels: { 'app.kubernetes.io/name': 'serin' } } }])
  t.end()
})

const runsRedis = skipWithout('redis-server')
t.test('kubernetes: the password of Redis is in no arguments.', runsRedis, async (t) => {
  const pods = of('kubernetes').flatMap(({ spec }) => spec?.template?.spec.containers ?? [])
  const { command, args } = pods.find(({ name }) => name === 'redis')!
  t.equal(args, undefined)
  t.match(command![2], /exec redis-server - .*<<EOF\nrequirepass "\$REDIS_PASSWORD"\nEOF\n$/)
  const port = await freePort()
  const [shell, ...rest] = command!.map((text) =>
    text.replace('--dir /data', `--dir ${t.testdir({})} --bind 127.0.0.1 --port ${port}`),
  )
  const child = spawn(shell!, rest, {
    env: { ...process.env, REDIS_PASSWORD: 'a-password of #1' },
    stdio: 'ignore',
  })
  const ended = once(child, 'close')
  t.teardown(async () => {
    child.kill('SIGKILL')
    await ended
  })
  const ask = async (password?: string) => {
    const client = new Redis({
      ...{ port, lazyConnect: true, retryStrategy: () => null },
      ...(password && { password }),
    })
    client.on('error', () => {})
    try {
      return await client.ping()
    } catch (error) {
      return (error as Error).message
    } finally {
      client.disconnect()
    }
  }
  await until('it listens', async () => /NOAUTH/.test(await ask()))
  t.equal(await ask('a-password of #1'), 'PONG')
  t.notMatch(readFileSync(`/proc/${child.pid}/cmdline`, 'utf8'), /a-password/)
})

t.test('kubernetes: what selects pods selects them.', (t) => {
  const objects = of('kubernetes')
  const labels = objects.flatMap(({ spec }) => spec?.template?.metadata.labels ?? [])
  for (const { kind, metadata, spec } of objects) {
    const selector = spec?.selector?.['matchLabels'] ?? spec?.selector
    if (selector === undefined) continue
    const found = labels.filter((each) => JSON.stringify(each) === JSON.stringify(selector))
    t.equal(found.length, 1, `${kind} ${metadata.name}`)
  }
  t.end()
})

/** The part of a NetworkPolicy that is looked into. */
type Policy = {
  readonly podSelector: { readonly matchLabels: object }
  readonly policyTypes: readonly string[]
  readonly ingress: readonly {
    readonly from?: readonly object[]
    readonly ports: readonly { readonly port: string }[]
  }[]
}

type Model = { new (data: object): { validate: () => void } }

function validate(object: Manifest): void {
  const models = require(`kubernetes-models/${object.apiVersion}`) as Record<string, Model>
  new models[object.kind]!(object).validate()
}

function allContainers(objects: readonly Manifest[]): readonly Container[] {
  return objects.flatMap(({ spec }) => spec?.template?.spec.containers ?? [])
}

function podOf(objects: readonly Manifest[]): PodSpec {
  return objects.find(({ kind }) => kind === 'Deployment')!.spec!.template!.spec
}

function configOf(objects: readonly Manifest[]): Config {
  const text = objects.find(({ kind }) => kind === 'ConfigMap')!.data!['serin.yaml']!
  const env = Object.fromEntries(
    [...text.matchAll(/\$\{([A-Z_]+)\}/g)].map(([, name]) => [name!, `secret-of-${name}`]),
  )
  const result: ConfigResult = parseConfig(text, { file: '/etc/serin/serin.yaml', env })
  if (!result.ok) throw new Error(JSON.stringify(result.problems))
  return result.config
}
