import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { Test } from 'tap'
import type { ServiceJson } from '../../../src/admin/present.ts'
import { command, postFeedback, readDecisions, readSample, readService } from './admin-api.ts'
import { buildConfig, buildRolloutService } from './config.ts'
import { startLoad } from './load.ts'
import { startModel } from './model-server.ts'
import { seeded } from './seeded.ts'
import { startSerin, writeConfig, type SerinGateway } from './serin-process.ts'
import { until } from './until.ts'

const PER_SECOND = 200
/** A kill comes at most this long after the gateway has begun to decide. */
const LONGEST_LIFE_MS = 4000
const LOOK_MS = 20
/** Acknowledged labels that are sent again after each restart. */
const RESENT = 100

/** What the API showed of a rollout up to a moment. */
type Seen = {
  readonly last: ServiceJson
  /** Units in the evidence, each time that they had become more, in order. */
  readonly units: readonly number[]
}

/**
 * Kills a gateway with SIGKILL at random moments of a rollout under load and starts it again on the same
 * store: weights are those of the last logged decision, no decision is lost, the evidence is at most one
 * stored cohort behind what the API had shown, and acknowledged labels are known.
 */
export async function checkCrashes(t: Test, seed: number, kills: number): Promise<void> {
  const moments = seeded(seed)
  const draw = seeded(-seed)
  const folder = join(t.testdirName, String(seed))
  mkdirSync(folder, { recursive: true })
  const baseline = await startModel(t, draw, { error: 4, failures: 0 })
  const canary = await startModel(t, draw, { error: 2, failures: 0 })
  const service = buildRolloutService(
    { baseline: baseline.origin, canary: canary.origin },
    {
      rollout: {
        steps: [
          { weight: '20%', minDuration: '300ms' },
          { weight: '40%', minDuration: '300ms' },
          { weight: '60%', minDuration: '300ms' },
          { weight: '100%' },
        ],
        watch: '500ms',
      },
      analysis: {
        interval: '300ms',
        minRequests: 20,
        warmUp: 0,
        metrics: {
          errors: { kind: 'error-rate', maxIncrease: '0%', floor: '5%' },
          rmse: {
            kind: 'rmse',
            maxIncrease: '100%',
            labelWindow: '1s',
            minLabels: 20,
            cap: 50,
          },
        },
      },
    },
  )
  const file = writeConfig(folder, buildConfig(folder, { m: service }))
  let gateway = await startSerin(t, file)
  const load = startLoad(t, {
    data: () => gateway.data,
    admin: () => gateway.admin,
    path: '/m/infer',
    concurrency: 8,
    perSecond: PER_SECOND,
    draw,
  })
  for (let kill = 1; kill <= kills; kill++) {
    const name = `seed ${seed}, kill ${kill}`
    await leads(gateway)
    await keepBusy(gateway)
    const seen = await watch(gateway, performance.now() + moments() * LONGEST_LIFE_MS)
    gateway.kill('SIGKILL')
    await gateway.ended
    const resent = load.tally.acknowledged.slice(-RESENT)
    gateway = await startSerin(t, file)
    await checkRestart(t, name, gateway, seen)
    await checkLabels(t, name, gateway, resent)
  }
  await load.stop()
  t.ok(load.tally.labels.joined > 0, `seed ${seed}: ${load.tally.labels.joined} labels joined`)
  t.same(Object.keys(load.tally.statuses), ['200'], `seed ${seed}: a dead gateway tells no lies`)
}

async function checkRestart(
  t: Test,
  name: string,
  gateway: SerinGateway,
  { last, units }: Seen,
): Promise<void> {
  const after = await readService(gateway.admin, 'm')
  const decision = after.lastDecision!
  const where = `${name} at ${last.phase}, step ${last.step!.index}, decision ${last.lastDecision!.id}`
  t.same(after.weights, decision.to.weights, `${where}: weights are those of the last decision`)
  const log = await readDecisions(gateway.admin, 'm')
  if (decision.to.phase !== 'idle') {
    const resumed = gateway.logs().find(({ msg }) => msg?.startsWith(`${after.rollout} is `))
    // It may have decided again by now.
    const taken = log.find(({ id }) => id === resumed?.['decision'])
    t.ok(taken !== undefined && taken.id >= last.lastDecision!.id, `${where}: it says so`)
    t.equal(resumed?.['phase'], taken?.to.phase, `${where}: with its phase`)
  }
  t.same(
    log.map(({ id }) => id),
    log.map((_, index) => log.length - index),
    `${where}: the log has no gap`,
  )
  t.same(log.find(({ id }) => id === decision.id)!.to, decision.to, `${where}: as logged`)
  // What was decided between the last look and the kill is there too.
  t.ok(decision.id >= last.lastDecision!.id, `${where}: no decision is lost`)
  if (decision.id > last.lastDecision!.id) return
  t.equal(after.phase, last.phase, `${where}: same phase`)
  t.equal(after.step!.index, last.step!.index, `${where}: same step`)
  t.equal(after.rollout, last.rollout, `${where}: same attempt`)
  if (units.length < 2) return
  const kept = await until('the evidence is read', async () => {
    const { metrics } = await readService(gateway.admin, 'm')
    return metrics.length > 0 ? unitsOf(metrics) : null
  })
  const atLeast = units.at(-2)!
  t.ok(kept >= atLeast, `${where}: evidence on ${kept} units, before the kill ${units.at(-1)}`)
}

async function checkLabels(
  t: Test,
  name: string,
  gateway: SerinGateway,
  requestIds: readonly string[],
): Promise<void> {
  if (requestIds.length === 0) return
  const report = await postFeedback(
    gateway.admin,
    requestIds.map((requestId) => ({ requestId, label: 1 })),
  )
  t.equal(report.duplicate, requestIds.length, `${name}: acknowledged labels are known`)
}

/** A process that was killed keeps its lease for some seconds; commands have to wait for that. */
function leads(gateway: SerinGateway): Promise<boolean> {
  return until(
    'the gateway decides',
    async () => (await readSample(gateway.admin, 'serin_leader')) === 1,
  )
}

/** Begins another attempt where the rollout has come to an end. */
async function keepBusy({ admin }: SerinGateway): Promise<void> {
  const { phase } = await readService(admin, 'm')
  if (phase === 'watching' || phase === 'promoted') await command(admin, 'm', 'undo')
  if (phase === 'idle' || phase === 'progressing' || phase === 'paused') return
  await command(admin, 'm', 'retry', { force: true })
}

/** Looks until the moment has come. */
async function watch({ admin }: SerinGateway, endsAt: number): Promise<Seen> {
  let last = await readService(admin, 'm')
  const units = [unitsOf(last.metrics)]
  while (performance.now() < endsAt) {
    await delay(LOOK_MS)
    last = await readService(admin, 'm')
    const count = unitsOf(last.metrics)
    if (count > units.at(-1)!) units.push(count)
  }
  return { last, units }
}

function unitsOf(metrics: ServiceJson['metrics']): number {
  const errors = metrics.find(({ name }) => name === 'errors')
  return errors === undefined ? 0 : errors.baseline.n + errors.canary.n
}
