import t, { type Test } from 'tap'
import { request } from 'undici'
import type { DecisionJson, ServiceJson } from '../../src/admin/present.ts'
import { startUpstream } from '../support/fake-upstream.ts'
import { readDecisions, readSample, readService, untilService } from './support/admin-api.ts'
import { buildConfig } from './support/config.ts'
import { startLoad } from './support/load.ts'
import { seeded } from './support/seeded.ts'
import { runSerin, startSerin, writeConfig } from './support/serin-process.ts'
import { until } from './support/until.ts'

const SECRET = 'sixteen--letters'
const PREVIEW = { 'x-serin-variant': 'canary', 'x-serin-secret': SECRET }

/** A model server that can be made to fail, and counts how often its health is asked for. */
async function startSide(t: Test) {
  const side = { health: 0, fails: false }
  const upstream = await startUpstream((_req, res, { url }) => {
    upstream.seen.length = 0
    if (url === '/health') side.health += 1
    res.writeHead(side.fails && url !== '/health' ? 500 : 200).end('{"p":1}')
  })
  t.teardown(upstream.close)
  return Object.assign(side, { origin: upstream.origin })
}

/** A gateway with one blue-green rollout from version 1.4 to 2.0. */
async function startBlueGreen(t: Test, rollout: Readonly<Record<string, unknown>> = {}) {
  const [baseline, canary] = [await startSide(t), await startSide(t)]
  const health = { path: '/health', interval: '500ms' }
  const service = {
    match: { path: '/m/*' },
    variants: {
      baseline: { version: '1.4', upstreams: [baseline.origin], health },
      canary: { version: '2.0', upstreams: [canary.origin], health },
    },
    split: {
      key: 'header:x-user-id',
      rules: [{ when: { 'header:x-tier': ['gold'] }, variant: 'canary' }],
      override: { header: 'x-serin-variant', secret: SECRET },
    },
    rollout: {
      strategy: 'blue-green',
      steps: [{ pause: {} }, { weight: '100%' }],
      watch: '1h',
      ...rollout,
    },
    analysis: {
      interval: '500ms',
      warmUp: '1s',
      metrics: { slow: { kind: 'latency', quantile: 0.5, max: '5s' } },
    },
  }
  const folder = t.testdir({})
  const gateway = await startSerin(t, writeConfig(folder, buildConfig(folder, { m: service })))
  const cli = async (...args: string[]) => {
    const { code, stdout, stderr } = await runSerin(t, args, gateway.admin)
    t.equal(code, 0, `${args.join(' ')}: ${stderr}`)
    return stdout
  }
  /** Who answers so many users. */
  const askedBy = async (users: number, headers: Readonly<Record<string, string>> = {}) => {
    const answers = Array.from({ length: users }, async (_, user) => {
      const sent = { 'x-user-id': `u-${user}`, ...headers }
      const answer = await request(`${gateway.data}/m/x`, { headers: sent })
      await answer.body.dump()
      return `${answer.statusCode} ${String(answer.headers['x-serin-variant'])}`
    })
    return [...new Set(await Promise.all(answers))]
  }
  const untilIs = (phase: ServiceJson['phase']) =>
    untilService(gateway.admin, 'm', String(phase), (found) => found.phase === phase)
  const log = async () => [...(await readDecisions(gateway.admin, 'm'))].reverse()
  return { gateway, baseline, canary, cli, askedBy, untilIs, log }
}

/** All but holds: a check that a busy machine answers too late is no move. */
const told = (log: readonly DecisionJson[]) =>
  log
    .filter(({ action }) => action !== 'hold')
    .map((d) => `${d.action} ${d.reason} ${d.to.weights['canary']}`)

t.test('Preview, switch, watch, undo: everybody moves at once, and back at once.', async (t) => {
  const { gateway, baseline, cli, askedBy, untilIs, log } = await startBlueGreen(t)
  const found = await untilIs('paused')
  t.match(found, { strategy: 'blue-green', pause: { by: 'approval' }, weights: { canary: 0 } })
  t.same(await askedBy(50), ['200 baseline'])
  t.same(await askedBy(5, { 'x-tier': 'gold' }), ['200 baseline'], 'rules wait for the switch too')
  t.same(await askedBy(5, PREVIEW), ['200 canary'], 'testers reach it')
  t.match(
    await cli('status', 'm'),
    /blue-green {2}step 1\/2\n {2}because {3}preview, reached by the override alone, until `serin promote`/,
  )

  await cli('promote', 'm', '--reason', 'looked good')
  t.match(await readService(gateway.admin, 'm'), { phase: 'watching', weights: { canary: 100 } })
  t.same(await askedBy(50), ['200 canary'], 'the whole world, with the answer to the command')
  t.equal(await readSample(gateway.admin, 'serin_variant_weight', '"m"', '"canary"'), 1)
  const asked = baseline.health
  await until('the old side is still asked for its health', () => baseline.health > asked + 2)
  await untilService(
    gateway.admin,
    'm',
    'and is well',
    ({ variants }) => variants['baseline']!.healthy === 1,
  )
  t.match(
    await cli('explain', 'm'),
    /operator@loopback approved 2\.0: switched from 0 % to 100 % without comparative\s+proof/,
  )

  await cli('undo', 'm')
  t.same(await askedBy(50), ['200 baseline'])
  t.same(await askedBy(5, PREVIEW), ['200 canary'], 'testers still reach it')
  await cli('retry', 'm', '--force')
  t.same(await askedBy(50), ['200 baseline'], 'another attempt is another preview')
  t.same(told(await log()), [
    'start canary-ready 0',
    'promote operator 100',
    'undo operator 0',
    'retry operator 0',
  ])
})

t.test('A canary that fails in the watch is rolled back onto the old side.', async (t) => {
  const { gateway, canary, cli, askedBy, untilIs, log } = await startBlueGreen(t)
  await untilIs('paused')
  canary.fails = true
  t.same(await askedBy(80, PREVIEW), ['500 canary'])
  t.equal((await readService(gateway.admin, 'm')).phase, 'paused', 'a preview is never counted')
  canary.fails = false

  const load = startLoad(t, {
    data: () => gateway.data,
    path: '/m/x',
    concurrency: 8,
    perSecond: 200,
    draw: seeded(5),
  })
  await until('the baseline has a rate to be compared with', () => load.tally.sent > 100)
  await cli('promote', 'm')
  await until('it answers', () => (load.tally.variants['canary'] ?? 0) > 100)
  canary.fails = true
  await untilIs('rolled-back')
  t.same(await askedBy(50), ['200 baseline'])
  await load.stop()
  t.same(load.tally.broken, {})
  t.match((await log()).at(-1), {
    action: 'rollback',
    reason: 'breaker',
    actor: 'evaluator',
    from: { phase: 'watching', weights: { canary: 100 } },
    to: { weights: { canary: 0 } },
  })
})

t.test('A timed preview switches by itself, and its watch ends in a promotion.', async (t) => {
  const { cli, untilIs, askedBy, log } = await startBlueGreen(t, {
    steps: [{ pause: '500ms' }, { weight: '100%' }],
    watch: '500ms',
  })
  await untilIs('promoted')
  t.same(await askedBy(20), ['200 canary'])
  const made = await log()
  t.same(told(made), ['start canary-ready 0', 'promote timer 100', 'promote watch-over 100'])
  const switched = made.find((d) => d.reason === 'timer')!
  const explained = await cli('explain', 'm', String(switched.id))
  t.match(explained, /Switched from 0 % to 100 % without comparative\s+proof/)
  t.match(explained, 'Who: the evaluator, as planned.')
})
