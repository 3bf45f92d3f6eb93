import t, { type Test } from 'tap'
import { request } from 'undici'
import { readDecisions, untilService } from './support/admin-api.ts'
import { buildConfig, buildRolloutService } from './support/config.ts'
import { startLoad } from './support/load.ts'
import { startModel, type ModelBehaviour } from './support/model-server.ts'
import { seeded } from './support/seeded.ts'
import { startSerin, writeConfig } from './support/serin-process.ts'
import { until } from './support/until.ts'

const USERS = 200

/** A gateway with a rollout that holds back 10 % in its watch, and its traffic. */
async function startHeldBack(t: Test, watch: string) {
  const draw = seeded(31)
  const baseline = await startModel(t, draw, { error: 4, failures: 0 })
  const behaviour: ModelBehaviour = { error: 4, failures: 0 }
  const canary = await startModel(t, draw, behaviour)
  const steps = [{ weight: '50%', minDuration: '500ms' }, { weight: '100%' }]
  const origins = { baseline: baseline.origin, canary: canary.origin }
  const service = buildRolloutService(origins, {
    rollout: { steps, watch, holdback: '10%' },
    // No limit: beyond the breaker nothing but a comparison can know that the canary fails.
    analysis: { metrics: { errors: { kind: 'error-rate', maxIncrease: '0%', floor: '2%' } } },
  })
  const folder = t.testdir({})
  const gateway = await startSerin(t, writeConfig(folder, buildConfig(folder, { m: service })))
  const load = startLoad(t, {
    data: () => gateway.data,
    path: '/m/x',
    concurrency: 8,
    perSecond: 400,
    draw,
  })
  /** Of the same users each time: those that the canary answers. */
  const askUsers = async () => {
    const answers = Array.from({ length: USERS }, async (_, user) => {
      const headers = { 'x-user-id': `u-${user}`, 'content-type': 'application/json' }
      const options = { method: 'POST', headers, body: '{"x":1}' } as const
      const answer = await request(`${gateway.data}/m/x`, options)
      await answer.body.dump()
      return answer.headers['x-serin-variant'] === 'canary' ? [user] : []
    })
    return new Set((await Promise.all(answers)).flat())
  }
  const untilIs = (phase: string) =>
    untilService(gateway.admin, 'm', phase, (found) => found.phase === phase)
  const log = async () => [...(await readDecisions(gateway.admin, 'm'))].reverse()
  return { behaviour, load, askUsers, untilIs, log }
}

t.test(
  'A share stays on the baseline after the promotion, and follows when the watch is over.',
  async (t) => {
    // Long enough to ask all users in it, on a busy machine too.
    const { load, askUsers, untilIs, log } = await startHeldBack(t, '12s')
    await untilIs('progressing')
    const atHalf = await askUsers()
    t.match(await untilIs('watching'), { weights: { baseline: 10, canary: 90 } })
    await load.stop()
    const watched = await askUsers()
    t.ok(watched.size > USERS * 0.75 && watched.size < USERS, `${watched.size} of ${USERS}`)
    t.ok(
      [...atHalf].every((user) => watched.has(user)),
      'whoever has the canary keeps it',
    )
    t.match(await untilIs('promoted'), { weights: { baseline: 0, canary: 100 } })
    t.equal((await askUsers()).size, USERS)
    t.same(load.tally.broken, {})
    t.same(
      (await log())
        .filter((d) => d.action !== 'hold')
        .map((d) => [d.reason, d.to.weights['canary']]),
      [
        ['canary-ready', 50],
        ['evidence', 90],
        ['watch-over', 100],
      ],
    )
  },
)

t.test(
  'A canary that begins to fail after its promotion is rolled back by comparison.',
  async (t) => {
    const { behaviour, load, untilIs, log } = await startHeldBack(t, '10m')
    await untilIs('watching')
    const answered = load.tally.variants['canary']!
    await until('the watch has traffic', () => load.tally.variants['canary']! > answered + 200)
    behaviour.failures = 0.3
    t.match(await untilIs('rolled-back'), { weights: { baseline: 100, canary: 0 } })
    await load.stop()
    t.match((await log()).at(-1), {
      action: 'rollback',
      reason: 'errors',
      actor: 'evaluator',
      from: { phase: 'watching', weights: { canary: 90 } },
    })
  },
)
