import { join } from 'node:path'
import t from 'tap'
import type { Test } from 'tap'
import { startRedis } from '../support/redis-server.ts'
import {
  askAdmin,
  command,
  readDecisions,
  readSample,
  readService,
  untilService,
} from './support/admin-api.ts'
import { buildRolloutService } from './support/config.ts'
import { startModel } from './support/model-server.ts'
import { skipWithout } from './support/programs.ts'
import { seeded } from './support/seeded.ts'
import { runSerin, type SerinGateway } from './support/serin-process.ts'
import { startTwoGateways } from './support/two-gateways.ts'

t.test('e2e/commands to any gateway, on one directory', async (t) => {
  const { first, second } = await testCommands(t, `lmdb:${join(t.testdir(), 'data')}`)
  await testDeath(t, { dying: first, left: second })
})

t.test('e2e/commands to any gateway, on one Redis', skipWithout('redis-server'), async (t) => {
  const redis = await startRedis(t, t.testdir())
  const { first, second } = await testCommands(t, `redis://127.0.0.1:${redis.port}/0`)

  t.comment('one that sleeps carries out nothing when it wakes')
  first.kill('SIGSTOP')
  const retried = await runSerin(t, ['retry', 'm', '--force'], second.admin)
  t.equal(retried.code, 0, retried.stderr)
  t.equal(await readSample(second.admin, 'serin_leader'), 1, 'another one decides by then')
  first.kill('SIGCONT')
  await untilFollows(first)
  await command(first.admin, 'm', 'abort')
  await testDeath(t, { dying: second, left: first })
})

function untilFollows({ admin }: SerinGateway) {
  return untilService(admin, 'm', 'it follows', (m) => /hands commands on/.test(m.notice ?? ''))
}

/** Operators talk to the gateway that follows. */
async function testCommands(t: Test, store: string) {
  const draw = seeded(1)
  const model = { error: 2, failures: 0 }
  const [baseline, canary] = [await startModel(t, draw, model), await startModel(t, draw, model)]
  const m = buildRolloutService(
    { baseline: baseline.origin, canary: canary.origin },
    {
      rollout: {
        start: 'manual',
        steps: [{ weight: '20%', minDuration: '1h' }, { weight: '100%' }],
      },
    },
  )
  const { first, second } = await startTwoGateways(t, m, {
    folder: t.testdirName,
    store,
    sameFile: true,
  })
  const weights = () =>
    Promise.all(
      [first, second].map(async (each) => (await readService(each.admin, 'm')).weights['canary']),
    )
  await untilFollows(second)

  const promoted = await runSerin(t, ['promote', 'm', '--reason', 'night shift'], second.admin)
  t.equal(promoted.code, 0, promoted.stderr)
  t.strictSame(await weights(), [20, 20], 'it is in force with the answer')
  t.match((await readDecisions(first.admin, 'm'))[0], {
    actor: 'operator@loopback',
    note: 'night shift',
  })

  t.comment('two at once, of which each names the revision that it saw')
  const { headers } = await askAdmin(second.admin, '/api/v1/services/m')
  const ifMatch = { 'if-match': headers['etag'] as string }
  const pause = { method: 'POST', body: {}, headers: ifMatch } as const
  const both = await Promise.all(
    [first, second].map(({ admin }) => askAdmin(admin, '/api/v1/services/m/pause', pause)),
  )
  t.strictSame(new Set(both.map(({ status }) => status)), new Set([200, 412]))
  const two = await Promise.all(['resume', 'abort'].map((verb) => command(second.admin, 'm', verb)))
  t.strictSame(new Set(two.map((each) => each.decision?.action)), new Set(['resume', 'rollback']))
  t.strictSame(await weights(), [0, 0])
  await t.rejects(command(second.admin, 'm', 'resume'), /409 .*rolled-back/, 'in its own words')
  return { first, second }
}

/** Who decides dies, and a command comes to the other one at once. */
async function testDeath(t: Test, { dying, left }: Record<'dying' | 'left', SerinGateway>) {
  const { lastDecision: before } = await readService(left.admin, 'm')
  dying.kill('SIGKILL')
  const retried = await runSerin(t, ['retry', 'm', '--force'], left.admin)
  t.equal(retried.code, 0, retried.stderr)
  t.equal(await readSample(left.admin, 'serin_leader'), 1)
  const [last] = await readDecisions(left.admin, 'm')
  t.match(last, { id: before!.id + 1, action: 'retry' }, 'it is carried out once')
  const errors = left.logs().filter(({ level }) => level === 50)
  t.same(errors, [])
  t.equal((await left.stop()).code, 0)
}
