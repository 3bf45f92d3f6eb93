import t from 'tap'
import type { ServiceJson } from '../../src/admin/present.ts'
import { command, readDecisions, untilService } from './support/admin-api.ts'
import { buildConfig, buildRolloutService } from './support/config.ts'
import { startLoad, type Load } from './support/load.ts'
import { startModel } from './support/model-server.ts'
import { seeded } from './support/seeded.ts'
import { runSerin, startSerin, writeConfig, type SerinGateway } from './support/serin-process.ts'

/** Shares of answers that are a 404, by service: those of the baseline and the canary. */
const REFUSALS = {
  refusing: [0.01, 0.2],
  alike: [0.05, 0.05],
  named: [0.01, 0.2],
} as const
type Name = keyof typeof REFUSALS

const NAMES = Object.keys(REFUSALS) as Name[]

/** A rollout that stays at 50 %. */
const ENDLESS = { steps: [{ weight: '50%', minDuration: '10m' }, { weight: '100%' }] }

let gateway: SerinGateway
const loads = {} as Record<Name, Load>

const metricOf = ({ metrics }: ServiceJson, name: string) => metrics.find((m) => m.name === name)!

// Two processes, so that half of what is decided by was counted by one that follows.
t.before(async () => {
  const draw = seeded(23)
  const model = (refusals: number) => startModel(t, draw, { error: 1, failures: 0, refusals })
  const services: Record<string, object> = {}
  for (const name of NAMES) {
    const [baseline, canary] = [await model(REFUSALS[name][0]), await model(REFUSALS[name][1])]
    const origins = { baseline: baseline.origin, canary: canary.origin }
    const metrics = { errors: { kind: 'error-rate', maxIncrease: '0%', floor: '2%' } }
    const rollout = name === 'alike' ? {} : ENDLESS
    const service = buildRolloutService(origins, {
      ...{ path: `/${name}/*`, rollout, analysis: { metrics } },
    })
    services[name] =
      name === 'named' ? { ...service, errors: { statuses: [404, 500, 502, 503, 504] } } : service
  }
  const folder = t.testdir({})
  const config = buildConfig(folder, services as never, { gateway: { workers: 2 } })
  gateway = await startSerin(t, writeConfig(folder, config))
  for (const name of NAMES) {
    loads[name] = startLoad(t, {
      ...{ data: () => gateway.data, path: `/${name}/infer`, concurrency: 4, perSecond: 150, draw },
    })
  }
})

t.test('A canary that answers 20 % with 404 against 1 % is paused, and says why.', async (t) => {
  const paused = await untilService(
    gateway.admin,
    'refusing',
    'paused',
    ({ phase }) => phase === 'paused',
  )
  t.match(paused, {
    pause: { by: 'metric', metric: 'client-error' },
    weights: { baseline: 50, canary: 50 },
  })
  const guard = metricOf(paused, 'client-error')
  t.match(guard, { verdict: 'failed', required: false, onFailure: 'pause' })
  t.equal(metricOf(paused, 'errors').canary.value, 0, 'they are no failures')
  const [decision] = await readDecisions(gateway.admin, 'refusing')
  const sentence =
    /Paused by client-error: [12]\d(\.\d)? % on the canary \(n \d+\) against .* on the baseline \(n \d+\); the evidence for "more than 50 % worse" stands at .*, and 1,000 : 1 decides\. The canary's 4xx in this attempt, judged or not: \d+ × status 404\. .*name it there where it is one, or resume where it is meant\./
  t.match(decision, { action: 'pause', reason: 'client-error', summary: sentence })

  const [status, explained] = await Promise.all([
    runSerin(t, ['status', 'refusing'], gateway.admin),
    runSerin(t, ['explain', 'refusing', String(decision!.id)], gateway.admin),
  ])
  t.match(status.stdout, /because +the metric client-error failed, and/)
  t.match(status.stdout.replace(/\s+/g, ' '), sentence)
  t.match(explained.stdout.replace(/\s+/g, ' '), sentence)
  t.match(explained.stdout, 'client-error (client-error, pauses): shown to be worse.')
  t.match(explained.stdout, 'It guards all others: the share of answers with a 4xx')

  await command(gateway.admin, 'refusing', 'resume')
  const judged = guard.canary.n + 300
  const later = await untilService(
    gateway.admin,
    'refusing',
    `${judged} judged`,
    (service) => metricOf(service, 'client-error').canary.n >= judged,
  )
  t.equal(later.phase, 'progressing', 'what is meant is not asked again')
  await loads.refusing.stop()
})

t.test('A status that is named is a failure, and rolls back.', async (t) => {
  const found = await untilService(
    gateway.admin,
    'named',
    'rolled back',
    ({ phase }) => phase === 'rolled-back',
  )
  await loads.named.stop()
  t.equal(found.rolledBackReason, 'errors')
  t.equal(metricOf(found, 'client-error').canary.value, 0, 'it is not counted twice')
})

t.test('Equal shares of 4xx hold up nothing.', async (t) => {
  await untilService(gateway.admin, 'alike', 'promoted', ({ phase }) => phase === 'promoted')
  await loads.alike.stop()
  const decisions = await readDecisions(gateway.admin, 'alike')
  t.same(
    decisions.filter(({ action }) => action === 'pause'),
    [],
  )
  const guard = decisions
    .find(({ action }) => action === 'promote')!
    .metrics.find(({ name }) => name === 'client-error')!
  t.ok(Number(loads.alike.tally.statuses[404]) > 20, 'and there were some')
  t.equal(guard.verdict, 'inconclusive')
})
