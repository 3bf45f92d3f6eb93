import t from 'tap'
import { request } from 'undici'
import type { DecisionJson, ServiceJson } from '../../src/admin/present.ts'
import { readLines } from '../../src/cli/read-lines.ts'
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
const SKEWED: ModelBehaviour = { error: 12, failures: 0 }

/** One service of the gateway, its canary and its traffic. */
type Scene = {
  readonly canary: TestModel
  readonly load: (perSecond: number) => Load
  readonly until: (what: string, isSo: (service: ServiceJson) => boolean) => Promise<ServiceJson>
  readonly decisions: () => Promise<readonly DecisionJson[]>
}

const ENDLESS = [
  { weight: '20%', minDuration: '10m' },
  { weight: '50%', minDuration: '10m' },
  { weight: '100%' },
]
const ROLLOUTS = {
  better: {},
  skewed: {},
  failing: { steps: ENDLESS },
  steered: { start: 'manual', steps: ENDLESS, watch: '1h', cooldown: '1h' },
  told: { start: 'manual', steps: ENDLESS },
}
type Name = keyof typeof ROLLOUTS

let gateway: SerinGateway
const scenes = {} as Record<Name, Scene>
const loads = {} as Record<Name, Load>

// All of them in one gateway and at the same time: most of a rollout is waiting.
t.before(async () => {
  const draw = seeded(11)
  const baseline = await startModel(t, draw, GOOD)
  const canaries = {
    better: await startModel(t, draw, BETTER),
    skewed: await startModel(t, draw, SKEWED),
    failing: await startModel(t, draw, { ...BETTER }),
    steered: await startModel(t, draw, BETTER),
    told: await startModel(t, draw, BETTER),
  }
  const names = Object.keys(ROLLOUTS) as Name[]
  const services = names.map((name) => {
    const origins = { baseline: baseline.origin, canary: canaries[name].origin }
    const more = { path: `/${name}/*`, rollout: ROLLOUTS[name] }
    return [name, buildRolloutService(origins, more)] as const
  })
  const folder = t.testdir({})
  const config = buildConfig(folder, Object.fromEntries(services))
  gateway = await startSerin(t, writeConfig(folder, config))
  for (const name of names) {
    scenes[name] = {
      canary: canaries[name],
      load: (perSecond) =>
        startLoad(t, {
          data: () => gateway.data,
          admin: () => gateway.admin,
          path: `/${name}/infer`,
          concurrency: 8,
          perSecond,
          draw,
        }),
      until: (what, isSo) => untilService(gateway.admin, name, what, isSo),
      decisions: () => readDecisions(gateway.admin, name),
    }
  }
  loads.better = scenes.better.load(600)
  loads.skewed = scenes.skewed.load(200)
  loads.failing = scenes.failing.load(100)
})

t.test('A canary that is better is promoted step by step on the labels joined.', async (t) => {
  const { decisions } = scenes.better
  const load = loads.better
  const waited = await runSerin(t, ['wait', 'better', '--for', 'promoted'], gateway.admin)
  t.equal(waited.code, 0, waited.stderr)
  t.match(waited.stdout, /^better: promoted, baseline 0 %, canary 100 %$/m)
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
    await readSample(gateway.admin, 'serin_feedback_total', 'better', '"joined"'),
    load.tally.labels.joined,
  )

  const explained = await runSerin(t, ['explain', 'better', String(promoted.id)], gateway.admin)
  t.equal(explained.code, 0)
  t.match(
    explained.stdout,
    `Decision ${promoted.id} of better (1.4->2.0#1): the canary was promoted.`,
  )
  t.match(explained.stdout, 'Who: the evaluator, from the evidence.')
  t.match(explained.stdout, 'rmse (rmse): shown to be no worse.')
})

t.test('A canary that answers 200 to everything is rolled back on its RMSE.', async (t) => {
  const { until, decisions } = scenes.skewed
  const load = loads.skewed
  const found = await until('rolled back', ({ phase }) => phase === 'rolled-back')
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

  const waited = await runSerin(t, ['wait', 'skewed', '--for', 'promoted'], gateway.admin)
  t.equal(waited.code, 4, 'it ended another way')
  t.match(waited.stderr, 'skewed is rolled-back: ')
})

t.test('A canary that begins to fail is rolled back within seconds.', async (t) => {
  const { canary, until, decisions } = scenes.failing
  const load = loads.failing
  await until('some of the canary', ({ variants }) => variants['canary']!.requests > 100)
  canary.behaviour.failures = 1
  const failingAt = Date.now()
  const found = await until('rolled back', ({ phase }) => phase === 'rolled-back')
  await load.stop()
  t.match(found.rolledBackReason, /^(breaker|errors)$/)
  const [last] = await decisions()
  t.match(
    last!.summary,
    /failures in this attempt, judged or not: \d+ × status 500; healthy upstreams: \d of 1\.$/,
  )
  const afterMs = Date.parse(last!.at) - failingAt
  t.ok(afterMs < 10_000, `rolled back after ${afterMs} ms`)
  t.ok(load.tally.statuses[500]! > 0, 'failures reached users, and then stopped')
})

t.test('What is decided is told as an event before the next is decided.', async (t) => {
  const url = `${gateway.admin}/api/v1/events?service=told`
  const { body } = await request(url)
  const lines = readLines(body)
  const phases: string[] = []
  let decisions = 0
  const readUntil = async (wanted: number) => {
    while (decisions < wanted) {
      const { value: line } = await lines.next()
      if (line === undefined) throw new Error('the stream has ended')
      if (line === 'event: decision') decisions++
      const { changes } = line.startsWith('data: ') ? JSON.parse(line.slice(6)) : {}
      if (changes?.phase !== undefined) phases.push(changes.phase)
    }
  }
  await command(gateway.admin, 'told', 'promote')
  await readUntil(1)
  for (let i = 0; i < 4; i++) {
    await command(gateway.admin, 'told', 'pause')
    await command(gateway.admin, 'told', 'resume')
  }
  await readUntil(9)
  // A look of every second would have seen a pause by chance alone.
  t.ok(phases.filter((phase) => phase === 'paused').length >= 3, phases.join(' '))
  await lines.return()
})

t.test('The commands of the CLI steer a rollout, and their exit codes tell.', async (t) => {
  const { until, decisions } = scenes.steered
  // A trickle: the commands are processes that want the processor.
  const load = scenes.steered.load(50)
  const cli = (...args: string[]): Promise<Ended> => runSerin(t, args, gateway.admin)
  const weights = async () => {
    const { code, stdout } = await cli('weights', 'steered', '-o', 'json')
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

  const [status] = await Promise.all([
    cli('status', 'steered', '-o', 'json'),
    refuses(3, 'nothing to pause: the rollout is idle', 'pause', 'steered'),
    refuses(
      5,
      'steered is still idle',
      'wait',
      'steered',
      '--for',
      'promoted',
      '--timeout',
      '10ms',
    ),
    refuses(1, 'there is no service "nobody"', 'status', 'nobody'),
  ])
  t.equal(status.code, 0)
  t.match(JSON.parse(status.stdout), { name: 'steered', phase: 'idle' })

  await does(
    { phase: 'progressing', canary: 20 },
    'promote',
    'steered',
    '--reason',
    'the day has come',
  )
  await does({ phase: 'paused', canary: 20 }, 'pause', 'steered')
  await does({ phase: 'paused', canary: 35 }, 'weights', 'steered', 'canary=35')
  t.same(await weights(), { baseline: 65, canary: 35 })
  await does({ phase: 'progressing', canary: 20 }, 'resume', 'steered')
  await does({ phase: 'rolled-back', canary: 0 }, 'abort', 'steered', '--reason', 'second thoughts')
  await refuses(3, 'the cooldown has', 'retry', 'steered')
  await does({ phase: 'progressing', canary: 20 }, 'retry', 'steered', '--force')
  await does({ phase: 'watching', canary: 100 }, 'promote', 'steered', '--full')
  await does({ phase: 'rolled-back', canary: 0 }, 'undo', 'steered')
  await until('at the baseline', ({ weights: now }) => now['canary'] === 0)
  await load.stop()
  t.same(load.tally.broken, {}, 'nobody noticed any of it')

  t.same((await decisions()).map((d) => [d.action, d.actor, d.note, d.rollout]).reverse(), [
    ['hold', 'configuration', null, '1.4->2.0#1'],
    ['start', 'operator@loopback', 'the day has come', '1.4->2.0#1'],
    ['pause', 'operator@loopback', null, '1.4->2.0#1'],
    ['override', 'operator@loopback', null, '1.4->2.0#1'],
    ['resume', 'operator@loopback', null, '1.4->2.0#1'],
    ['rollback', 'operator@loopback', 'second thoughts', '1.4->2.0#1'],
    ['retry', 'operator@loopback', null, '1.4->2.0#2'],
    ['promote', 'operator@loopback', null, '1.4->2.0#2'],
    ['undo', 'operator@loopback', null, '1.4->2.0#2'],
  ])
  const listed = await cli('decisions', 'steered', '--limit', '3')
  t.equal(listed.code, 0)
  t.match(listed.stdout, /#9 .*undo[\s\S]*#8 .*promote[\s\S]*#7 .*retry/)
  await gateway.stop()
  await refuses(2, 'cannot reach the gateway', 'status')
  await t.rejects(command(gateway.admin, 'steered', 'pause'), 'the admin port is closed')
})
