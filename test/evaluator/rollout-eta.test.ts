import t from 'tap'
import type { MetricSpec } from '../../src/domain/rollout-spec.ts'
import { quickService, simulate } from '../fakes/quick-rollout.ts'
import { ERRORS, RMSE, weightSteps } from '../fakes/simulated-service.ts'
import type { Simulation } from '../fakes/simulation.ts'

const MINUTE = 60_000

/** A step at 20 % that needs so much of the canary that it lasts. */
function slow(metrics: readonly MetricSpec[], minRequests: number) {
  const steps = weightSteps([20, 100], minRequests)
  return quickService({ spec: { steps, maxDurationMs: 60_000 * MINUTE }, analysis: { metrics } })
}

/**
 * A minute of traffic, a long time without any (four times as long as traffic is reckoned with), and half a minute
 * again: what is said before and after.
 */
async function sleepOver(simulation: Simulation, day: { rps: number }, read: () => number | null) {
  await simulation.run(MINUTE, () => false)
  const before = read()!
  day.rps = 0
  await simulation.run(20 * MINUTE, () => false)
  const asleep = read()!
  day.rps = 200
  await simulation.run(30_000, () => false)
  return { before, asleep, after: read()! }
}

function begin(metrics: readonly MetricSpec[], minRequests: number, failures = 0.01) {
  const day = { rps: 200 }
  const changes = {
    service: slow(metrics, minRequests),
    get rps() {
      return day.rps
    },
  }
  const fate = (random: () => number) => ({
    outcome: random() < failures ? ('failed' as const) : ('ok' as const),
  })
  return { day, simulation: simulate(3, 0, fate, metrics, changes) }
}

t.test('a time without traffic makes no minimum of requests take longer', async (t) => {
  const { day, simulation } = begin([{ ...ERRORS, floor: 0 }], 40_000)
  const running = await simulation
  const view = () => running.evaluator.view('svc')!
  const { before, asleep, after } = await sleepOver(running, day, () => view().etaSeconds)
  t.match(view().missing[0], /of 40000 canary requests judged in this step/)
  // 40 a second.
  t.ok(before > 850 && before < 1050, `${before} s`)
  t.ok(asleep > 850 && asleep < 1050, `${asleep} s, of traffic`)
  t.ok(after > 850 && after < 1050, `${after} s`)
})

t.test('nor of labels', async (t) => {
  const { day, simulation } = begin([{ ...RMSE, cap: 20, minLabels: 40_000 }], 10)
  const running = await simulation
  const view = () => running.evaluator.view('svc')!
  const { before, after } = await sleepOver(running, day, () => view().etaSeconds)
  t.match(view().missing[0], /of 40000 canary labels in this step/)
  t.ok(before > 850 && before < 1100, `${before} s`)
  t.ok(after > 850 && after < 1100, `${after} s`)
})

t.test('nor a proof', async (t) => {
  const { day, simulation } = begin([{ ...ERRORS, floor: 0 }], 40_000, 0.003)
  const running = await simulation
  const read = () => running.evaluator.view('svc')!.metrics[0]!.etaSeconds
  const { before, after } = await sleepOver(running, day, read)
  t.ok(before > 60, `${before} s`)
  t.ok(after > before / 4 && after < before * 2, `${after} s, ${before} s before`)
})
