import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { Agent, request } from 'undici'
import { createRandom } from '../../src/demo/seeded-random.ts'
import { postFeedback, readDecisions, untilService } from './support/admin-api.ts'
import { buildConfig, buildLabelledMirror } from './support/config.ts'
import { startModelProcess } from './support/model-process.ts'
import { runSerin, startSerin, writeConfig } from './support/serin-process.ts'

/**
 * A gateway whose rollout begins with a mirror, users who ask all the time, and labels that follow their
 * answers. The canary is off by `factor` times what the baseline is off by.
 */
async function startLabelled(t: Test, factor: number, minRequests: number) {
  const [baseline, canary] = [
    await startModelProcess(t, 'labelled-model.js', 1),
    await startModelProcess(t, 'labelled-model.js', factor),
  ]
  const folder = t.testdir({})
  const service = buildLabelledMirror(
    { baseline: baseline.origin, canary: canary.origin },
    { minRequests, labelWindow: '2s' },
  )
  const file = writeConfig(folder, buildConfig(folder, { m: service }))
  const gateway = await startSerin(t, file)
  const agent = new Agent({ connections: 10 })
  const random = createRandom(1)
  const seen = new Set<number>()
  let labels: object[] = []
  let goesOn = true
  let isTold = true
  const ask = async () => {
    const question = { y: 100, error: 10 * (random() + random() - 1) }
    const answer = await request(`${gateway.data}/m/x`, {
      method: 'POST',
      body: JSON.stringify(question),
      dispatcher: agent,
    })
    const { p } = (await answer.body.json()) as { p: number }
    seen.add(p === question.y + question.error ? answer.statusCode : NaN)
    labels.push({ requestId: answer.headers['x-request-id'], label: question.y })
  }
  const user = async () => {
    while (goesOn) await Promise.all([ask(), sleep(10)])
  }
  let joined = 0
  const label = async () => {
    while (goesOn) {
      const batch = labels
      labels = []
      if (isTold && batch.length > 0) joined += (await postFeedback(gateway.admin, batch)).joined
      await sleep(100)
    }
  }
  const all = Promise.all([user(), user(), user(), label()])
  const leave = async () => {
    goesOn = false
    await all
  }
  t.teardown(async () => {
    await leave()
    await agent.close()
  })
  const until = (what: string, isSo: Parameters<typeof untilService>[3]) =>
    untilService(gateway.admin, 'm', what, isSo)
  const tell = (isSo: boolean) => (isTold = isSo)
  return { gateway, seen, leave, until, tell, joined: () => joined }
}

t.test('A canary whose answers look right is refused by their labels alone.', async (t) => {
  t.setTimeout(120_000)
  const { gateway, until, seen, leave, joined } = await startLabelled(t, 1.5, 1_000_000)
  const { rolledBackReason, variants } = await until('it ends', (s) => s.phase === 'rolled-back')
  await leave()
  t.equal(rolledBackReason, 'rmse/mirror')
  t.equal(variants['canary']!.requests, 0)
  t.same([...seen], [200], 'every user had the answer of the baseline')
  t.ok(joined() > 100)
  const [last] = await readDecisions(gateway.admin, 'm')
  t.match(last!.summary, /^Rolled back by rmse\/mirror: \S+ on the canary .*No user has seen/)
  t.match(
    last!.metrics.find((m) => m.name === 'answers'),
    { canary: { value: 0 } },
    'the answers agreed',
  )
  const explained = await runSerin(t, ['explain', 'm', '--admin', gateway.admin])
  t.match(explained.stdout, /rmse\/mirror \(rmse\): shown to be worse/)
  const status = await runSerin(t, ['status', '--admin', gateway.admin])
  t.match(status.stdout, /rmse\/mirror +failed/)
})

t.test('An equal canary waits for its labels, and comes to 5 %.', async (t) => {
  t.setTimeout(120_000)
  const { gateway, until, seen, tell } = await startLabelled(t, 1, 1)
  tell(false)
  const waits = await until('it waits', ({ missing }) => missing.some((m) => /labels/.test(m)))
  t.match(waits.missing.join(), /rmse\/mirror: \d+ of 100 labels of pairs in this step/)
  tell(true)
  await until('it has 5 %', (s) => s.weights['canary'] === 5)
  const advanced = (await readDecisions(gateway.admin, 'm')).find((d) => d.action === 'advance')!
  const found = advanced.metrics.find((m) => m.name === 'rmse/mirror')!
  t.ok(found.stepCanaryN >= 100)
  t.equal(found.canary.value, found.baseline.value)
  t.same([...seen], [200])
})
