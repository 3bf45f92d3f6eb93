import t, { type Test } from 'tap'
import { Agent, request } from 'undici'
import { readDecisions, readSample, untilService } from './support/admin-api.ts'
import { buildConfig } from './support/config.ts'
import { startModelProcess } from './support/model-process.ts'
import { runSerin, startSerin, writeConfig } from './support/serin-process.ts'

/** A gateway whose rollout begins with a mirror, and users who ask all the time. */
async function startMirrored(t: Test, canarySays: number, minRequests = 200) {
  const baseline = await startModelProcess(t, 'stepped-model.js', 1)
  const canary = await startModelProcess(t, 'stepped-model.js', canarySays)
  const folder = t.testdir({})
  const service = {
    match: { path: '/m/*' },
    idempotent: true,
    variants: {
      baseline: { version: '1', upstreams: [baseline.origin] },
      canary: {
        version: '2',
        upstreams: [canary.origin],
        health: { path: '/m/health', interval: '500ms' },
      },
    },
    observe: { prediction: 'body:/p' },
    rollout: {
      steps: [
        { mirror: '100%', minRequests, minDuration: '1s' },
        { weight: '5%', minDuration: '10m' },
        { weight: '100%' },
      ],
    },
    analysis: {
      interval: '500ms',
      warmUp: '500ms',
      metrics: {
        errors: { kind: 'error-rate', maxIncrease: '0%' },
        answers: { kind: 'disagreement', max: '5%' },
      },
    },
  }
  const file = writeConfig(folder, buildConfig(folder, { m: service }))
  const gateway = await startSerin(t, file)
  const agent = new Agent({ connections: 10 })
  const seen = new Map<string, number>()
  let goesOn = true
  const ask = async () => {
    const url = `${gateway.data}/m/x`
    const answer = await request(url, { method: 'POST', body: '{}', dispatcher: agent })
    const said = `${answer.statusCode} ${await answer.body.text()}`
    seen.set(said, (seen.get(said) ?? 0) + 1)
  }
  const user = async () => {
    while (goesOn) await Promise.all([ask(), new Promise((resolve) => setTimeout(resolve, 10))])
  }
  const users = Promise.all([user(), user(), user()])
  const leave = async () => {
    goesOn = false
    await users
  }
  t.teardown(async () => {
    await leave()
    await agent.close()
  })
  const until = (what: string, isSo: Parameters<typeof untilService>[3]) =>
    untilService(gateway.admin, 'm', what, isSo)
  return { gateway, canary, seen, leave, until }
}

t.test('An equal canary comes from its mirror to 5 %.', async (t) => {
  t.setTimeout(120_000)
  const { gateway, until, seen } = await startMirrored(t, 1)
  const { admin } = gateway
  const mirrored = await until('it mirrors', ({ step }) => step?.kind === 'mirror')
  t.match(mirrored, { phase: 'progressing', weights: { baseline: 100, canary: 0 } })
  const { step, weights } = await until('it has 5 %', (s) => s.weights['canary'] === 5)
  t.match([step, weights], [{ index: 1, kind: 'weight' }, { baseline: 95 }])
  const advanced = (await readDecisions(admin, 'm')).find((d) => d.action === 'advance')!
  t.match(advanced.summary, /^Advanced from the mirror to 5 %: .* pairs of answers judged/)
  t.match(
    advanced.metrics.find((m) => m.name === 'answers'),
    { canary: { value: 0 }, required: true, bounds: { lower: 0 } },
  )
  t.match(
    advanced.metrics.find((m) => m.name === 'errors/mirror'),
    { canary: { value: 0 }, baseline: { value: 0 }, required: true },
  )
  await until('it answers users', ({ variants }) => variants['canary']!.requests > 0)
  const copies = await readSample(admin, 'serin_mirror_requests_total', 'variant="canary"', '"ok"')
  t.ok(copies >= 200)
  t.same([...seen.keys()], ['200 {"p":1}'])
})

t.test('A canary that answers otherwise is rolled back before a user has seen it.', async (t) => {
  t.setTimeout(120_000)
  const { gateway, until, seen, leave } = await startMirrored(t, 2, 1_000_000)
  const { rolledBackReason, variants } = await until('it ends', (s) => s.phase === 'rolled-back')
  await leave()
  t.equal(rolledBackReason, 'answers')
  t.equal(variants['canary']!.requests, 0)
  t.same([...seen.keys()], ['200 {"p":1}'], 'nobody has seen its answer')
  const [last] = await readDecisions(gateway.admin, 'm')
  t.match(last!.summary, /^Rolled back by answers: 100 % of \d+ compared pairs; .*No user has seen/)
  const explained = await runSerin(t, ['explain', 'm', '--admin', gateway.admin])
  t.match(explained.stdout, /answers \(disagreement\): shown to be above 5 %\./)
  t.match(explained.stdout, /that more than 5 %\s+disagree/)
  const status = await runSerin(t, ['status', '--admin', gateway.admin])
  t.match(status.stdout, /answers {2,}failed +- +100 % +100│\d+ % +limit 5 % \(\d/)
})

t.test('A canary that dies in its mirror is rolled back, and no request fails.', async (t) => {
  t.setTimeout(120_000)
  const { until, seen, canary, leave } = await startMirrored(t, 1, 1_000_000)
  await until('copies are answered', (s) => s.mirrors['canary']!.pairs > 20)
  await canary.kill()
  const { rolledBackReason, mirrors } = await until('it ends', (s) => s.phase === 'rolled-back')
  t.match(rolledBackReason, /^(errors\/mirror|answers|variant-down)$/)
  const copies = mirrors['canary']!.results
  t.ok(copies.failed + copies.dropped_unhealthy > 0)
  await leave()
  t.same([...seen.keys()], ['200 {"p":1}'])
})
