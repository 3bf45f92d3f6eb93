import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { Agent, request } from 'undici'
import { createRandom } from '../../src/demo/seeded-random.ts'
import { startRedis } from '../support/redis-server.ts'
import { postFeedback, readDecisions, readService, untilService } from './support/admin-api.ts'
import { buildLabelledMirror } from './support/config.ts'
import { startModelProcess } from './support/model-process.ts'
import { skipWithout } from './support/programs.ts'
import type { SerinGateway } from './support/serin-process.ts'
import { startTwoGateways } from './support/two-gateways.ts'

/** Two gateways on one Redis, whose rollout begins with a mirror; the first one decides. */
async function startTwo(t: Test) {
  const folder = t.testdir()
  const redis = await startRedis(t, folder)
  const [baseline, canary] = [
    await startModelProcess(t, 'labelled-model.js', 1),
    await startModelProcess(t, 'labelled-model.js', 1),
  ]
  const service = buildLabelledMirror(
    { baseline: baseline.origin, canary: canary.origin },
    { minRequests: 300, labelWindow: '3s' },
  )
  const store = `redis://127.0.0.1:${redis.port}/0`
  return startTwoGateways(t, service, { folder, store })
}

/** Users of one gateway, and their labels: by turns to each of both, half a second behind. */
function startUsers(to: SerinGateway, both: readonly SerinGateway[]) {
  const agent = new Agent({ connections: 5 })
  const random = createRandom(1)
  const joined = both.map(() => 0)
  let [goesOn, fresh, n] = [true, [] as object[], 0]
  const ask = async () => {
    const question = { y: 100, error: 10 * (random() + random() - 1) }
    const answer = await request(`${to.data}/m/x`, {
      method: 'POST',
      body: JSON.stringify(question),
      dispatcher: agent,
    })
    await answer.body.dump()
    fresh.push({ requestId: answer.headers['x-request-id'], label: question.y })
  }
  const user = async () => {
    while (goesOn) await Promise.all([ask(), sleep(15)])
  }
  const label = async () => {
    while (goesOn) {
      const batch = fresh
      fresh = []
      await sleep(500)
      if (batch.length === 0) continue
      const way = n++ % both.length
      joined[way]! += (await postFeedback(both[way]!.admin, batch)).joined
    }
  }
  const all = Promise.all([user(), user(), label()])
  const leave = async () => {
    goesOn = false
    await all
    await agent.close()
  }
  return { leave, joined }
}

t.test(
  'A mirror step is left by the pairs of a gateway that does not decide, with labels from both.',
  skipWithout('redis-server'),
  async (t) => {
    t.setTimeout(120_000)
    const { first, second } = await startTwo(t)
    const users = startUsers(second, [first, second])
    await untilService(first.admin, 'm', 'it has 5 %', (s) => s.weights['canary'] === 5)
    await users.leave()
    for (const count of users.joined) t.ok(count > 50, `labels: ${users.joined.join(' ')}`)
    const advanced = (await readDecisions(first.admin, 'm')).find((d) => d.action === 'advance')!
    const found = (name: string) => advanced.metrics.find((m) => m.name === name)!
    t.ok(found('answers').stepCanaryN >= 300, 'pairs')
    const { canary, baseline, stepCanaryN } = found('rmse/mirror')
    t.ok(stepCanaryN >= 100, `${stepCanaryN} labels`)
    t.equal(canary.value, baseline.value)
    const { variants } = await readService(first.admin, 'm')
    t.equal(variants['baseline']!.requests, 0, 'who decides has served nobody')
  },
)
