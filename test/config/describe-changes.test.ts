import t from 'tap'
import { describeChanges } from '../../src/config/describe-changes.ts'
import { listRestartChanges } from '../../src/config/restart.ts'
import { configOf, file } from './problems-of.ts'

t.test('what a reload cannot take over is named', (t) => {
  const running = configOf(file())
  t.same(listRestartChanges(running, configOf(file())), [])
  const next = configOf(
    file({ top: 'store: lmdb:x\nadmin: { listen: 127.0.0.1:1 }\npassthrough: http://h' }),
  )
  t.same(listRestartChanges(running, next), ['admin.listen', 'store', 'passthrough'])
  const live = file({
    service: '    split: { key: ip }',
    top: 'admin: { tokens: [ { name: a, token: "0123456789abcdef", scopes: [read] } ] }',
  })
  t.same(listRestartChanges(running, configOf(live)), [])
  t.end()
})

t.test('keys of the data port that are read anew for each request need no restart', (t) => {
  const configAt = (gateway: string) => configOf(file({ gateway: `, ${gateway}` }))
  const before = configOf(file())
  const live =
    'trustedProxies: [10.0.0.0/8], variantHeader: false, limits: { body: 1MiB, inFlight: 9 }, drain: { wait: 1s }, log: { access: { sample: 50% } }'
  t.same(listRestartChanges(before, configAt(live)), [])
  t.same(listRestartChanges(before, configAt('health: /x, limits: { header: 8KiB }')), [
    'gateway.health',
    'gateway.limits.header',
  ])
  t.end()
})

t.test('what a reload changed is named by its keys, without secrets', (t) => {
  const withParts = (analysis: string, secret: string) =>
    configOf(
      file({
        service: `    rollout: { steps: [ { weight: 5% }, { weight: 100% } ] }
    split: { override: { header: x, secret: ${secret} } }
    analysis: { ${analysis} metrics: { errors: { kind: error-rate, maxIncrease: 0% } } }`,
      }),
    )
  const before = withParts('minRequests: 50,', 'hidden-secret-01')
  const after = withParts('minRequests: 60, warmUp: 5s,', 'hidden-secret-02')
  t.same(describeChanges(before, after), [
    'services.m.split.override.secret: (hidden) → (hidden)',
    'services.m.analysis.minRequests: 50 → 60',
    'services.m.analysis.warmUp: nothing → "5s"',
    `configuration ${after.hash}`,
  ])
  t.match(describeChanges(after, after), [/^nothing has changed/])
  t.end()
})

t.test('a map that comes or goes is told by its keys', (t) => {
  const stepsOf = (steps: string) =>
    configOf(file({ service: `    rollout: { steps: [ { weight: 5% }, ${steps} ] }` }))
  const before = stepsOf('{ weight: 100% }')
  const after = stepsOf('{ pause: {} }, { weight: 100% }')
  t.same(describeChanges(before, after).slice(0, -1), [
    'services.m.rollout.steps[1].weight: "100%" → nothing',
    'services.m.rollout.steps[1].pause: nothing → a map',
    'services.m.rollout.steps[2].weight: nothing → "100%"',
  ])
  t.end()
})

t.test('of many changed keys the first are named, and services that come and go once', (t) => {
  const proxies = Array.from({ length: 25 }, (_, n) => `10.0.0.${n}`)
  const before = configOf(file({ gateway: ', trustedProxies: []' }))
  const many = configOf(file({ gateway: `, trustedProxies: [${proxies.join(', ')}]` }))
  const lines = describeChanges(before, many)
  t.equal(lines.length, 22)
  t.equal(lines[0], 'gateway.trustedProxies[0]: nothing → "10.0.0.0"')
  t.equal(lines[20], 'and 5 more')
  const text = file()
  const newer = configOf(text.replace('"2"', '"3"'))
  t.same(describeChanges(configOf(text), newer), [
    'service m: canary version 3',
    `configuration ${newer.hash}`,
  ])
  const without = configOf(text.replace(/^ *canary: .*$/m, ''))
  t.same(describeChanges(configOf(text), without), [
    'service m: canary version removed',
    `configuration ${without.hash}`,
  ])
  const other = configOf(text.replace('  m:', '  n:'))
  t.same(describeChanges(configOf(text), other), [
    'service m removed',
    'service n added with the variants of m: it begins anew, and what was decided on m (a rollback, a promotion) does not hold for it',
    `configuration ${other.hash}`,
  ])
  const another = configOf(text.replace('  m:', '  n:').replace('"2"', '"3"'))
  t.same(describeChanges(configOf(text), another).slice(0, 2), [
    'service m removed',
    'service n added',
  ])
  t.end()
})
