import t from 'tap'
import type { EventEvidence } from '../../src/domain/evidence.ts'
import { replay } from '../../src/rollout/replay.ts'
import { recordOf } from '../fakes/attempt-record.ts'
import { quickService, simulate } from '../fakes/quick-rollout.ts'
import { command } from '../fakes/rollout.ts'
import { ERRORS, weightSteps } from '../fakes/simulated-service.ts'
import type { Simulation } from '../fakes/simulation.ts'

/** Share of answers with a 404 by variant; from when on, in ms since the start. */
type Shares = { readonly baseline: number; readonly canary: number; readonly from?: number }

const LARGER: Shares = { baseline: 0.01, canary: 0.2 }

/** A rollout that stays at 50 %, of a canary that answers so many of its requests with a 404. */
function held(seed: number, { baseline, canary, from = 0 }: Shares, keys = 0) {
  const service = quickService(
    { spec: { steps: weightSteps([50, 100], 1e9) }, analysis: { metrics: [ERRORS] } },
    keys > 0,
  )
  const fate = (random: () => number, variant: string, ms: number) => {
    const isRefused = random() < (variant === 'canary' && ms >= from ? canary : baseline)
    return { status: isRefused ? 404 : 200 }
  }
  return simulate(seed, keys, fate, [ERRORS], { service, rps: 400 })
}

const isPaused = ({ phase }: { readonly phase: string }) => phase === 'paused'
const found = ({ store }: Simulation) =>
  store.records.get('svc')!.evidence!.hypotheses['client-error'] as EventEvidence

t.test('A canary that refuses a fifth of its requests is paused, and says why.', async (t) => {
  for (const keys of [0, 100_000]) {
    const simulation = await held(1, LARGER, keys)
    t.ok(await simulation.run(20_000, isPaused))
    t.match(simulation.state, { pausedBy: 'metric', pausedMetric: 'client-error', weightBp: 5000 })
    const { action, reason, summary } = simulation.store.log.at(-1)!
    t.same([action, reason], ['pause', 'client-error'])
    t.match(
      summary,
      /^Paused by client-error: [12]\d(\.\d)? % on the canary \(n \d+\) against .*, and 1,000 : 1 decides\. The canary's 4xx in this attempt, judged or not: \d+ × status 404\. .*, or resume where it is meant\.$/,
    )
    const { events } = simulation.store.records.get('svc')!.evidence!.hypotheses[
      'errors'
    ] as EventEvidence
    t.same(events, [0, 0], 'they are no failures')
    t.same(simulation.errors, [])
  }
})

t.test('After a resume it is told, and pauses no more in the attempt.', async (t) => {
  const simulation = await held(2, LARGER)
  t.ok(await simulation.run(20_000, isPaused))
  await simulation.evaluator.command('svc', command('resume'), null)
  t.match(simulation.state, { phase: 'progressing', acknowledged: ['client-error'] })
  t.notOk(await simulation.run(20_000, isPaused))
  const metrics = simulation.evaluator.view('svc')!.metrics
  t.match(
    metrics.find((m) => m.name === 'client-error'),
    { verdict: 'failed' },
  )
})

t.test('It takes nothing from the proof: what is resumed is promoted.', async (t) => {
  const larger = (random: () => number, variant: string) => ({
    status: random() < LARGER[variant as 'canary'] ? 404 : 200,
  })
  const simulation = await simulate(3, 0, larger, [ERRORS])
  t.ok(await simulation.run(20_000, isPaused))
  await simulation.evaluator.command('svc', command('resume'), null)
  t.ok(await simulation.run(60_000, (s) => s.phase === 'promoted'))
})

t.test('Equal shares of 4xx never pause, however large; nor do a few more.', async (t) => {
  for (const [seed, share] of [0.002, 0.05, 0.4].entries()) {
    for (const canary of [share, share * 1.25]) {
      const simulation = await held(10 + seed, { baseline: share, canary })
      t.notOk(await simulation.run(40_000, isPaused), `${share} and ${canary}`)
      t.ok(found(simulation).events[1] > 0)
    }
  }
})

t.test('A canary that begins to refuse late is paused all the same.', async (t) => {
  for (const keys of [0, 2000]) {
    const simulation = await held(20, { ...LARGER, from: 40_000 }, keys)
    t.notOk(await simulation.run(40_000, isPaused))
    t.ok(await simulation.run(20_000, isPaused), `${keys} keys`)
    t.match(simulation.state, { pausedMetric: 'client-error' })
  }
})

t.test('Its evidence goes on after a restart.', async (t) => {
  const simulation = await held(30, { baseline: 0.01, canary: 0.03 })
  t.notOk(await simulation.run(4000, isPaused))
  const before = found(simulation)
  t.ok(before.trials[0] > 100)
  await simulation.restart()
  await simulation.run(1000, () => false)
  t.ok(found(simulation).trials[0] >= before.trials[0])
  t.ok(await simulation.run(60_000, isPaused))
  t.match(simulation.state, { pausedMetric: 'client-error' })
  t.same(simulation.errors, [])
})

t.test(
  'A store of a version that did not count them begins at none, in mid-attempt.',
  async (t) => {
    const simulation = await held(40, { baseline: 0.05, canary: 0.05 })
    await simulation.run(5000, () => false)
    const record = simulation.store.records.get('svc')!
    const { 'client-error': before, ...hypotheses } = record.evidence!.hypotheses
    const cohorts = record.cohorts.map((cohort) => {
      const { 'client-error': _, ...tallies } = cohort.tallies
      return { ...cohort, tallies }
    })
    simulation.store.records.set('svc', {
      ...{ ...record, cohorts },
      evidence: { ...record.evidence!, hypotheses },
    })
    await simulation.restart()
    t.notOk(await simulation.run(20_000, isPaused))
    t.same(simulation.errors, [])
    const { trials, events } = found(simulation)
    t.ok(trials[1] > (before as EventEvidence).trials[1], 'it counts from then on')
    t.ok(events[0] > 0 && events[1] > 0)
  },
)

t.test('A backtest makes the same decision of what was kept.', async (t) => {
  const simulation = await held(50, LARGER)
  t.ok(await simulation.run(20_000, isPaused))
  const record = await recordOf(simulation)
  const { decisions } = replay(record, record.plan)!
  const { summary } = simulation.store.log.at(-1)!
  t.match(decisions.at(-1), { action: 'pause', reason: 'client-error', byEvidence: true })
  const isTold = /^Paused by client-error: .* 1,000 : 1 decides\./
  t.equal(isTold.exec(decisions.at(-1)!.summary)![0], isTold.exec(summary)![0])
})

t.test('One client who keeps the canary and asks nonsense trips no breaker.', async (t) => {
  const simulation: Simulation = await simulate(
    4,
    100_000,
    (_random, variant) => {
      if (variant === 'canary') for (let n = 0; n < 2; n++) askNonsense(simulation)
      return {}
    },
    [ERRORS],
    { rps: 400 },
  )
  t.notOk(await simulation.run(12_000, ({ phase }) => phase === 'rolled-back'))
  const { attempts } = simulation.book.variants.get('canary')!
  const { attempts: all, clientErrors, keys } = attempts.within(simulation.clock.ms, 12_000)
  t.ok(all > 1000 && clientErrors > 0.6 * all, `${clientErrors} of ${all}`)
  t.same(keys, { seen: 32, failed: 0, unserved: 1, unanswered: 0 })
})

/** One request more, of a client whose key is the canary's. */
function askNonsense({ book, clock }: Simulation): void {
  const no = { suppressed: false, keyMissing: false, overrideRefused: false }
  const assignment = { variant: 'canary', reason: 'key', unit: 77, ...no } as const
  const ticket = book.begin(assignment, 'nonsense', clock.ms, false)
  book.end(ticket, 'ok', 400, null, clock.ms)
}
