import t from 'tap'
import type { Cohort } from '../../src/domain/cohort.ts'
import { command } from '../fakes/rollout.ts'
import { ERRORS, RMSE, weightSteps } from '../fakes/simulated-service.ts'
import { quickService, simulate } from '../fakes/quick-rollout.ts'

const ENDLESS = { steps: weightSteps([50, 100], 1_000_000) }
const numbersOf = (cohorts: readonly Cohort[]) => cohorts.map((c) => c.number)
const unitsOf = (cohorts: readonly Cohort[]) =>
  cohorts.reduce((sum, { assigned }) => sum + assigned[0] + assigned[1], 0)

/** Traffic whose rate a test changes. */
function varying(rps: number) {
  const rate = { now: rps }
  const options = {
    get rps() {
      return rate.now
    },
  }
  return { rate, options }
}

t.test('each cohort that saw a request is archived once, over restarts', async (t) => {
  const simulation = await simulate(1, 0, () => ({}))
  await simulation.run(6000, () => false)
  t.ok(simulation.store.records.get('svc')!.cohorts.length > 0, 'some wait for their labels')
  await simulation.restart()
  t.ok(await simulation.run(60_000, (s) => s.phase === 'promoted'))
  await simulation.run(3000, () => false)
  const { archive } = simulation.store
  const numbers = numbersOf(archive)
  t.strictSame(
    numbers,
    [...new Set(numbers)].sort((a, b) => a - b),
    'in order, and none twice',
  )
  t.ok(archive.length > 8, `${archive.length}`)
  t.strictSame(simulation.store.records.get('svc')!.cohorts, [], 'and nothing waits any more')
})

t.test('a cohort without a request is not archived', async (t) => {
  const { rate, options } = varying(1000)
  const service = quickService({ spec: ENDLESS, analysis: { metrics: [ERRORS] } })
  const simulation = await simulate(
    2,
    0,
    () => ({}),
    [ERRORS],
    Object.defineProperties({ service }, Object.getOwnPropertyDescriptors(options)),
  )
  await simulation.run(6000, () => false)
  const before = simulation.store.archive.length
  rate.now = 0
  await simulation.run(20_000, () => false)
  rate.now = 1000
  await simulation.run(5000, () => false)
  const { archive } = simulation.store
  t.ok(archive.length >= before + 4 && archive.length <= before + 8, `${archive.length - before}`)
  t.ok(archive.every((c) => unitsOf([c]) > 0))
})

t.test('a new attempt leaves what waited for labels in the archive', async (t) => {
  const simulation = await simulate(3, 0, () => ({}), [ERRORS, { ...RMSE, labelWindowMs: 600_000 }])
  await simulation.run(10_000, () => false)
  const waiting = numbersOf(simulation.store.records.get('svc')!.cohorts)
  t.ok(waiting.length > 3, `${waiting.length}`)
  await simulation.evaluator.command('svc', command('abort'), null)
  // Until it may be tried again.
  await simulation.run(61_000, () => false)
  t.match(await simulation.evaluator.command('svc', command('retry'), null), { ok: true })
  await simulation.run(5000, () => false)
  const numbers = numbersOf(simulation.store.archive)
  t.strictSame(numbers, [...new Set(numbers)])
  t.ok(waiting.every((n) => numbers.includes(n)))
  t.strictSame([...new Set(simulation.store.archive.map((c) => c.rollout))], ['1.4->2.0#1'])
})

t.test('while the store takes nothing, what waits to be archived stays bounded', async (t) => {
  const { rate, options } = varying(1000)
  const service = quickService({ spec: ENDLESS, analysis: { metrics: [ERRORS] } })
  const simulation = await simulate(
    4,
    0,
    () => ({}),
    [ERRORS],
    Object.defineProperties({ service }, Object.getOwnPropertyDescriptors(options)),
  )
  await simulation.run(6000, () => false)
  const before = simulation.store.archive.length
  simulation.store.fails = true
  rate.now = 8
  await simulation.run(1_100_000, () => false)
  simulation.store.fails = false
  await simulation.run(1000, () => false)
  const added = simulation.store.archive.slice(before)
  t.ok(added.length >= 1000 && added.length <= 1002, `${added.length}`)
  t.ok(added[0]!.openedAt > simulation.clock.ms - 1_020_000, 'the oldest of them went')
})
