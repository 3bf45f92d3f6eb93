import type { ServerResponse } from 'node:http'
import t from 'tap'
import type { HealthCheckSpec } from '../../src/domain/variant.ts'
import { createHealthChecks } from '../../src/proxy/health-checks.ts'
import { createUpstreamRegistry } from '../../src/proxy/upstream-registry.ts'
import type { Upstream } from '../../src/proxy/upstream.ts'
import { refusedOrigin, startRawUpstream, startUpstream } from '../support/fake-upstream.ts'
import { asFound, namesBy } from '../support/names.ts'
import { serviceWith, variantAt } from '../support/start-gateway.ts'

const CHECK: HealthCheckSpec = {
  path: '/ready',
  intervalMs: 1000,
  unhealthyAfter: 2,
  healthyAfter: 3,
}

/** Checks of these variants; `pass` lets time go by and waits for the checks that are due. */
function start(
  t: { teardown: (end: () => unknown) => void },
  ...variants: readonly ReturnType<typeof variantAt>[]
) {
  const clock = { ms: 0, now: () => clock.ms, monotonic: () => clock.ms }
  let lookups = 0
  const resolver = { answers: Promise.resolve() }
  const names = namesBy(async () => {
    lookups++
    await resolver.answers
    return asFound(['127.0.0.1'])
  })
  const registry = createUpstreamRegistry(names, { error: () => {} })
  const targets = registry.open([serviceWith(variants)])
  const changes: string[] = []
  const untried: string[] = []
  const checks = createHealthChecks({
    clock,
    every: () => () => {},
    upstreams: registry.upstreams,
    onChange: ({ service, variant, origin, health }, why) =>
      changes.push([service, variant, origin, health, why ?? 'good'].join(' ')),
    onUntried: ({ variant }, short) => untried.push(`${variant} ${short}`),
  })
  t.teardown(async () => {
    checks.close()
    await registry.destroy()
  })
  const of = (variant: string): Upstream =>
    targets.byService.get('model')!.get(variant)!.upstreams[0]!
  const pass = async (ms: number) => {
    clock.ms += ms
    await checks.checkDue()
  }
  return {
    checks,
    changes,
    untried,
    of,
    pass,
    registry,
    targets,
    names,
    resolver,
    lookups: () => lookups,
  }
}

t.test('an upstream without a check is well when it accepts connections', async (t) => {
  const upstream = await startRawUpstream(() => {})
  const gone = await refusedOrigin()
  const { checks, changes, of, pass } = start(
    t,
    variantAt('baseline', upstream.origin),
    variantAt('canary', gone),
  )
  t.equal(of('baseline').health, 'unknown')
  await checks.checkNew()
  t.equal(of('baseline').health, 'up')
  t.equal(of('canary').health, 'down')
  await upstream.close()
  await pass(1999)
  t.equal(of('baseline').health, 'up', 'not due yet')
  await pass(1)
  t.equal(of('baseline').health, 'down')
  t.same(
    changes.toSorted(),
    [
      `model canary ${gone} down refused`,
      `model baseline ${upstream.origin} up good`,
      `model baseline ${upstream.origin} down refused`,
    ].toSorted(),
  )
})

t.test(
  'an upstream with a check is well when that answers 2xx, a few times in a row',
  async (t) => {
    let status = 500
    const upstream = await startUpstream((_req, res) => res.writeHead(status).end('x'))
    t.teardown(upstream.close)
    const { checks, changes, of, pass } = start(
      t,
      variantAt('baseline', upstream.origin, { health: CHECK }),
    )
    await checks.checkNew()
    t.equal(of('baseline').health, 'down', 'the first finding counts at once')
    t.match(upstream.seen[0], { method: 'GET', url: '/ready', headers: { 'user-agent': /serin/ } })
    status = 204
    for (const health of ['down', 'down', 'up']) {
      await pass(1000)
      t.equal(of('baseline').health, health)
    }
    status = 404
    for (const health of ['up', 'down']) {
      await pass(1000)
      t.equal(of('baseline').health, health)
    }
    t.equal(of('baseline').downForMs(6000), 1000)
    t.same(
      changes,
      ['down answered 500', 'up good', 'down answered 404'].map(
        (found) => `model baseline ${upstream.origin} ${found}`,
      ),
    )
  },
)

t.test('an upstream is checked every second until it is well, then in its interval', async (t) => {
  let status = 503
  const upstream = await startUpstream((_req, res) => res.writeHead(status).end())
  t.teardown(upstream.close)
  const health = { ...CHECK, intervalMs: 5000, healthyAfter: 2 }
  const { checks, of, pass } = start(t, variantAt('baseline', upstream.origin, { health }))
  await checks.checkNew()
  status = 200
  await pass(999)
  t.equal(upstream.seen.length, 1)
  await pass(1)
  t.equal(of('baseline').health, 'down', 'one good check is not enough')
  await pass(1000)
  t.equal(of('baseline').health, 'up')
  status = 503
  await pass(4999)
  t.equal(upstream.seen.length, 3)
  for (const found of ['up', 'down']) {
    await pass(5000)
    t.equal(of('baseline').health, found)
  }
  status = 200
  await pass(4000)
  t.equal(upstream.seen.length, 5, 'it was well before')
})

t.test('an interval need not be whole milliseconds', async (t) => {
  const upstream = await startUpstream((_req, res) => res.end())
  t.teardown(upstream.close)
  const health = { ...CHECK, intervalMs: 333.3, healthyAfter: 1 }
  const { checks, of } = start(t, variantAt('baseline', upstream.origin, { health }))
  await checks.checkNew()
  t.equal(of('baseline').health, 'up')
})

t.test('a check that is not answered in its interval has failed', async (t) => {
  const held: ServerResponse[] = []
  const upstream = await startUpstream((_req, res) => held.push(res))
  t.teardown(upstream.close)
  const health = { ...CHECK, intervalMs: 50 }
  const { checks, changes, of } = start(t, variantAt('baseline', upstream.origin, { health }))
  await checks.checkNew()
  t.equal(of('baseline').health, 'down')
  t.match(changes, [/down no answer in time$/])
})

t.test(
  'a check does not wait for a resolver, and begins anew when that has answered',
  async (t) => {
    let status = 200
    const upstream = await startUpstream((_req, res) => res.writeHead(status).end())
    t.teardown(upstream.close)
    const { port } = new URL(upstream.origin)
    const health = { ...CHECK, intervalMs: 1000 }
    const variant = variantAt('baseline', `http://model.test:${port}`, { health })
    const { checks, changes, of, pass, names, resolver } = start(t, variant)
    let answer = () => {}
    resolver.answers = new Promise((resolve) => (answer = resolve))
    await checks.checkNew()
    t.match(changes, [/down no answer in time$/], 'the start goes on')
    t.equal(of('baseline').health, 'down')
    const found = names.refresh('model.test')
    answer()
    await found
    // No time passes: one check is all that there is. It may be under way already, by the checks' own timer.
    while (of('baseline').health !== 'up') {
      await pass(0)
      await new Promise((resolve) => setImmediate(resolve))
    }
    t.equal(changes.length, 2)
    status = 500
    await pass(1000)
    await pass(1000)
    t.equal(of('baseline').health, 'down')
    status = 200
    for (const next of ['down', 'down', 'up']) {
      await pass(1000)
      t.equal(of('baseline').health, next, 'as after any failure')
    }
  },
)

t.test('a server whose name was found needs its good checks in a row', async (t) => {
  let status = 500
  const upstream = await startUpstream((_req, res) => res.writeHead(status).end())
  t.teardown(upstream.close)
  const { port } = new URL(upstream.origin)
  const variant = variantAt('baseline', `http://model.test:${port}`, { health: CHECK })
  const { checks, of, pass } = start(t, variant)
  await checks.checkNew()
  status = 200
  for (const health of ['down', 'down', 'up']) {
    await pass(1000)
    t.equal(of('baseline').health, health)
  }
})

t.test('one check speaks for all variants that would be checked in the same way', async (t) => {
  const upstream = await startUpstream((_req, res) => res.end())
  t.teardown(upstream.close)
  const { checks, of, pass, registry, targets } = start(
    t,
    variantAt('baseline', upstream.origin, { health: CHECK }),
    variantAt('canary', upstream.origin, { health: CHECK }),
    variantAt('other', upstream.origin, { health: { ...CHECK, path: '/other' } }),
  )
  await checks.checkNew()
  t.same(upstream.seen.map(({ url }) => url).toSorted(), ['/other', '/ready'])
  t.equal(of('canary').health, 'up')
  targets.release()
  t.same(registry.upstreams(), [])
  await pass(10_000)
  t.equal(upstream.seen.length, 2, 'what is not configured any more is not checked')
})

t.test('what is known of an upstream outlives a reload that does not change it', async (t) => {
  const upstream = await startUpstream((_req, res) => res.end())
  t.teardown(upstream.close)
  const variant = variantAt('baseline', upstream.origin, { health: CHECK })
  const { checks, of, registry, targets } = start(t, variant)
  await checks.checkNew()
  const before = of('baseline')
  const next = registry.open([serviceWith([variant], { idempotent: true })])
  targets.release()
  t.equal(next.byService.get('model')!.get('baseline')!.upstreams[0], before)
  t.equal(before.connections.pool.closed, false)
  const other = registry.open([serviceWith([{ ...variant, health: null }])])
  next.release()
  const after = other.byService.get('model')!.get('baseline')!.upstreams[0]!
  t.equal(after.health, 'unknown', 'another check, another finding')
  t.equal(after.connections, before.connections)
  other.release()
  t.equal(before.connections.pool.closed, true)
})

for (const health of [null, CHECK]) {
  const what = health === null ? 'a connection' : 'a request'
  t.test(`checks by ${what} go where a name leads, and doubt it when they fail`, async (t) => {
    const upstream = await startUpstream((_req, res) =>
      res.writeHead(200, { connection: 'close' }).end(),
    )
    const origin = upstream.origin.replace('127.0.0.1', 'model.test')
    const { of, pass, names, lookups } = start(t, variantAt('baseline', origin, { health }))
    for (let n = 0; n < 5; n++) await pass(10_000)
    t.equal(of('baseline').health, 'up')
    t.equal(lookups(), 1)
    t.equal(names.isDue('model.test'), false)
    await upstream.close()
    await pass(10_000)
    t.equal(names.isDue('model.test'), true)
  })
}

t.test('a check for which the gateway has no port left says nothing of the upstream', async (t) => {
  const upstream = await startUpstream((_req, res) => res.end())
  const origin = `http://name:${new URL(upstream.origin).port}`
  const { checks, changes, untried, of, pass, resolver } = start(
    t,
    variantAt('baseline', origin),
    variantAt('canary', origin, { health: CHECK }),
  )
  resolver.answers = Promise.reject(Object.assign(new Error('no'), { code: 'EADDRNOTAVAIL' }))
  await checks.checkNew()
  t.same([...untried].sort(), ['baseline ports', 'canary ports'])
  t.same([of('baseline').health, of('canary').health], ['unknown', 'unknown'])
  resolver.answers = Promise.resolve()
  await pass(2_000)
  t.same([of('baseline').health, of('canary').health], ['up', 'up'])
  t.equal(changes.length, 2)
  await upstream.close()
})
