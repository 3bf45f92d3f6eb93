import t, { type Test } from 'tap'
import type { DecisionJson, ServiceJson } from '../../src/admin/present.ts'
import { command, readDecisions, readSample, untilService } from './support/admin-api.ts'
import { buildConfig, buildRolloutService } from './support/config.ts'
import { startLoad, type Load } from './support/load.ts'
import { startModel, type ModelBehaviour, type TestModel } from './support/model-server.ts'
import { seeded } from './support/seeded.ts'
import {
  runSerin,
  startSerin,
  writeConfig,
  type Ended,
  type SerinGateway,
} from './support/serin-process.ts'

const GOOD: ModelBehaviour = { error: 4, failures: 0 }
const BETTER: ModelBehaviour = { error: 2, failures: 0 }

type Stage = {
  readonly gateway: SerinGateway
  readonly canary: TestModel
  readonly load: Load
  readonly service: (what: string, isSo: (service: ServiceJson) => boolean) => Promise<ServiceJson>
  readonly decisions: () => Promise<readonly DecisionJson[]>
}

/** A gateway with one rollout under load; the canary may be changed while it runs. */
async function setStage(
  t: Test,
  canaryBehaviour: ModelBehaviour,
  more: Parameters<typeof buildRolloutService>[1] = {},
  perSecond = 800,
): Promise<Stage> {
  const draw = seeded(11)
  const baseline = await startModel(t, draw, GOOD)
  const canary = await startModel(t, draw, { ...canaryBehaviour })
  const folder = t.testdir({})
  const origins = { baseline: baseline.origin, canary: canary.origin }
  const config = buildConfig(folder, { m: buildRolloutService(origins, more) })
  const gateway = await startSerin(t, writeConfig(folder, config))
  const load = startLoad(t, {
    data: () => gateway.data,
    admin: () => gateway.admin,
    path: '/m/infer',
    concurrency: 16,
    perSecond,
    draw,
  })
  return {
    gateway,
    canary,
    load,
    service: (what, isSo) => untilService(gateway.admin, 'm', what, isSo),
    decisions: () => readDecisions(gateway.admin, 'm'),
  }
}

t.test('A canary that is better is promoted step by step on the labels joined.', async (t) => {
  const { gateway, load, decisions } = await setStage(t, BETTER)
  const waited = await runSerin(t, ['wait', 'm', '--for', 'promoted'], gateway.admin)
  t.equal(waited.code, 0, waited.stderr)
  t.match(waited.stdout, /^m: promoted, baseline 0 %, canary 100 %$/m)
  await load.stop()

  const log = [...(await decisions())].reverse()
  t.same(
    log.filter((d) => d.action !== 'hold').map((d) => [d.action, d.reason, d.to.weights['canary']]),
    [
      ['start', 'canary-ready', 20],
      ['advance', 'evidence', 50],
      ['promote', 'evidence', 100],
      ['promote', 'watch-over', 100],
    ],
  )
  t.ok(
    log.every((d, index) => d.id === index + 1),
    'the log has no gap',
  )
  const promoted = log.find((d) => d.action === 'promote')!
  for (const name of ['errors', 'rmse', 'rmse/above-cap']) {
    const metric = promoted.metrics.find((m) => m.name === name)!
    const { log: found, threshold } = metric.evidence.nonInferiority!
    t.equal(metric.verdict, 'successful', name)
    t.ok(found! >= threshold, `${name}: ${found} reaches ${threshold}`)
    t.ok(metric.canary.n >= 100, `${name}: n = ${metric.canary.n}`)
  }
  const rmse = promoted.metrics.find((m) => m.name === 'rmse')!
  t.ok(Math.abs(rmse.baseline.value! - 4) < 1, `baseline RMSE ${rmse.baseline.value}`)
  t.ok(Math.abs(rmse.canary.value! - 2) < 0.5, `canary RMSE ${rmse.canary.value}`)
  t.same(Object.keys(load.tally.statuses), ['200'], 'every user had an answer')
  t.same(load.tally.broken, {})
  t.equal(load.tally.labels.unmatched, 0, 'every label found its request')
  t.equal(load.tally.labels.duplicate, 0)
  t.equal(
    await readSample(gateway.admin, 'serin_feedback_total', 'result="joined"'),
    load.tally.labels.joined,
  )

  const explained = await runSerin(t, ['explain', 'm', String(promoted.id)], gateway.admin)
  t.equal(explained.code, 0)
  t.match(explained.stdout, `Decision ${promoted.id} of m (1.4->2.0#1): the canary was promoted.`)
  t.match(explained.stdout, 'Who: the evaluator, from the evidence.')
  t.match(explained.stdout, 'rmse (rmse): shown to be no worse.')
})

t.test('A canary that answers 200 to everything is rolled back on its RMSE.', async (t) => {
  const { gateway, load, service, decisions } = await setStage(t, { error: 12, failures: 0 })
  const found = await service('rolled back', ({ phase }) => phase === 'rolled-back')
  t.equal(found.rolledBackReason, 'rmse')
  t.same(found.weights, { baseline: 100, canary: 0 })
  const before = load.tally.variants['canary']!
  await load.stop()
  t.ok(before > 0, 'the canary had answered')
  t.same(Object.keys(load.tally.statuses), ['200'])
  const [last] = await decisions()
  t.match(last, { action: 'rollback', reason: 'rmse', actor: 'evaluator' })
  const rmse = last!.metrics.find(({ name }) => name === 'rmse')!
  t.equal(rmse.verdict, 'failed')
  t.ok(rmse.evidence.harm!.log! >= rmse.evidence.harm!.threshold)
  t.equal(last!.metrics.find(({ name }) => name === 'errors')!.canary.value, 0, 'no errors at all')

  const waited = await runSerin(t, ['wait', 'm', '--for', 'promoted'], gateway.admin)
  t.equal(waited.code, 4, 'it ended another way')
  t.match(waited.stderr, 'm is rolled-back: ')
})

t.test('A canary that begins to fail is rolled back within seconds.', async (t) => {
  const { canary, load, service, decisions } = await setStage(t, BETTER, {
    rollout: { steps: [{ weight: '20%', minDuration: '10m' }, { weight: '100%' }] },
  })
  await service('some of the canary', ({ variants }) => variants['canary']!.requests > 200)
  canary.behaviour.failures = 1
  const failingAt = Date.now()
  const found = await service('rolled back', ({ phase }) => phase === 'rolled-back')
  await load.stop()
  t.match(found.rolledBackReason, /^(breaker|errors)$/)
  const [last] = await decisions()
  const afterMs = Date.parse(last!.at) - failingAt
  t.ok(afterMs < 10_000, `rolled back after ${afterMs} ms`)
  t.ok(load.tally.statuses[500]! > 0, 'failures reached users, and then stopped')
})

t.test('The commands of the CLI steer a rollout, and their exit codes tell.', async (t) => {
  const slow = {
    rollout: {
      start: 'manual',
      steps: [
        { weight: '20%', minDuration: '10m' },
        { weight: '50%', minDuration: '10m' },
        { weight: '100%' },
      ],
      watch: '1h',
      cooldown: '1h',
    },
  }
  // A trickle: the commands are processes that want the processor.
  const { gateway, load, service, decisions } = await setStage(t, BETTER, slow, 50)
  const cli = (...args: string[]): Promise<Ended> => runSerin(t, args, gateway.admin)
  const weights = async () => {
    const { code, stdout } = await cli('weights', 'm', '-o', 'json')
    t.equal(code, 0)
    return JSON.parse(stdout) as Record<string, number>
  }
  const does = async (expected: { phase: string; canary: number }, ...args: string[]) => {
    const { code, stdout, stderr } = await cli(...args, '-o', 'json')
    t.equal(code, 0, `${args.join(' ')}: ${stderr}`)
    const { service: after } = JSON.parse(stdout) as { service: ServiceJson }
    t.match(after, { phase: expected.phase, weights: { canary: expected.canary } }, args.join(' '))
  }
  const refuses = async (code: number, because: string | RegExp, ...args: string[]) => {
    const refused = await cli(...args)
    t.equal(refused.code, code, args.join(' '))
    t.match(refused.stderr, because)
  }

  const status = await cli('status', '-o', 'json')
  t.equal(status.code, 0)
  t.match(JSON.parse(status.stdout), { services: [{ name: 'm', phase: 'idle' }] })
  t.same(await weights(), { baseline: 100, canary: 0 })
  await refuses(3, 'nothing to pause: the rollout is idle', 'pause', 'm')
  await refuses(5, 'm is still idle', 'wait', 'm', '--for', 'promoted', '--timeout', '10ms')

  await does({ phase: 'progressing', canary: 20 }, 'promote', 'm', '--reason', 'the day has come')
  await does({ phase: 'paused', canary: 20 }, 'pause', 'm')
  await does({ phase: 'paused', canary: 35 }, 'weights', 'm', 'canary=35')
  t.same(await weights(), { baseline: 65, canary: 35 })
  await does({ phase: 'progressing', canary: 20 }, 'resume', 'm')
  await does({ phase: 'progressing', canary: 50 }, 'promote', 'm')
  await does({ phase: 'rolled-back', canary: 0 }, 'abort', 'm', '--reason', 'second thoughts')
  await refuses(3, 'the cooldown has', 'retry', 'm')
  await does({ phase: 'progressing', canary: 20 }, 'retry', 'm', '--force')
  await does({ phase: 'watching', canary: 100 }, 'promote', 'm', '--full')
  await does({ phase: 'promoted', canary: 100 }, 'promote', 'm')
  await does({ phase: 'rolled-back', canary: 0 }, 'undo', 'm')
  await service('at the baseline', ({ weights: now }) => now['canary'] === 0)
  await load.stop()
  t.same(load.tally.broken, {}, 'nobody noticed any of it')

  t.same((await decisions()).map((d) => [d.action, d.actor, d.note, d.rollout]).reverse(), [
    ['hold', 'configuration', null, '1.4->2.0#1'],
    ['start', 'operator@loopback', 'the day has come', '1.4->2.0#1'],
    ['pause', 'operator@loopback', null, '1.4->2.0#1'],
    ['override', 'operator@loopback', null, '1.4->2.0#1'],
    ['resume', 'operator@loopback', null, '1.4->2.0#1'],
    ['advance', 'operator@loopback', null, '1.4->2.0#1'],
    ['rollback', 'operator@loopback', 'second thoughts', '1.4->2.0#1'],
    ['retry', 'operator@loopback', null, '1.4->2.0#2'],
    ['promote', 'operator@loopback', null, '1.4->2.0#2'],
    ['promote', 'operator@loopback', null, '1.4->2.0#2'],
    ['undo', 'operator@loopback', null, '1.4->2.0#2'],
  ])
  const listed = await cli('decisions', 'm', '--limit', '3')
  t.equal(listed.code, 0)
  t.match(listed.stdout, /#11 .*undo[\s\S]*#10 .*promote[\s\S]*#9 .*promote/)
  await refuses(1, 'there is no service "nobody"', 'status', 'nobody')
  await gateway.stop()
  await refuses(2, 'cannot reach the gateway', 'status')
  await t.rejects(command(gateway.admin, 'm', 'pause'), 'the admin port is closed')
})
