import t from 'tap'
import { createRandom } from '../../src/demo/seeded-random.ts'
import type { BetEvidence, EventEvidence } from '../../src/domain/evidence.ts'
import type { Outcome } from '../../src/domain/outcome.ts'
import type { MetricSpec } from '../../src/domain/rollout-spec.ts'
import { rolloutId } from '../../src/domain/rollout-state.ts'
import { buildHypotheses } from '../../src/rollout/hypotheses.ts'
import { logMeanExp } from '../../src/statistics/log-sum-exp.ts'
import { MAX_STARTS } from '../../src/statistics/start-mixture.ts'
import { errorOf, GOOD, quickService, simulate } from '../fakes/quick-rollout.ts'
import { command } from '../fakes/rollout.ts'
import { ERRORS, LATENCY, RMSE, rolloutSpec, weightSteps } from '../fakes/simulated-service.ts'
import { Simulation } from '../fakes/simulation.ts'

/** A rollout that stays at 50 % for the whole of a test. */
function held(metrics: readonly MetricSpec[], keyed = false) {
  return quickService(
    { spec: { steps: weightSteps([50, 100], 1e9) }, analysis: { metrics } },
    keyed,
  )
}

function events(simulation: Simulation, id: string): EventEvidence {
  return simulation.store.records.get('svc')!.evidence!.hypotheses[id] as EventEvidence
}

const seeds = (count: number) => Array.from({ length: count }, (_, i) => 1000 + i)

t.test('Rule 1: a service without any failure is proved no worse, by the floor', async (t) => {
  const simulation = await simulate(1, 0, () => ({}), [ERRORS])
  t.ok(await simulation.run(60_000, (s) => s.phase === 'promoted'))
  t.same(events(simulation, 'errors').events, [0, 0])
  const stuck = await simulate(1, 0, () => ({}), [{ ...ERRORS, floor: 0 }])
  t.notOk(
    await stuck.run(30_000, (s) => s.phase === 'promoted'),
    'without a floor it would be held for ever',
  )
  t.match(stuck.store.log.at(-1), { action: 'hold', reason: 'inconclusive' })
})

t.test('Rule 2: a cohort that waits for an outcome keeps all later ones back', async (t) => {
  const held1 = held([ERRORS])
  let first = true
  const simulation = await Simulation.create({
    service: held1,
    random: createRandom(2),
    rps: 200,
    keys: 0,
    fate: (_variant, ms) => {
      const slow = ms > 3000 && first
      if (slow) first = false
      return { ...GOOD, latencyMs: slow ? 9000 : 20 }
    },
  })
  await simulation.run(11_000, () => false)
  const waiting = events(simulation, 'errors')
  const units = waiting.trials[0] + waiting.trials[1]
  t.ok(units < 500, `${units} units folded while one is under way since its third second`)
  await simulation.run(3000, () => false)
  const after = events(simulation, 'errors')
  t.ok(after.trials[0] + after.trials[1] > 1500, 'then all of them at once')
})

t.test('Rule 2: failures of one side that come three seconds late do not bias', async (t) => {
  for (const late of ['baseline', 'canary']) {
    let rolledBack = 0
    for (const seed of seeds(12)) {
      const simulation = await simulate(
        seed,
        0,
        (random, variant) =>
          random() < 0.05
            ? { outcome: 'failed', latencyMs: variant === late ? 3000 : 5 }
            : { outcome: 'ok', latencyMs: 5 },
        [ERRORS],
        { service: held([ERRORS]), rps: 200 },
      )
      if (await simulation.run(15_000, (s) => s.phase === 'rolled-back')) rolledBack++
    }
    t.ok(rolledBack <= 2, `${rolledBack} of 12 rolled back at α = 5 %, with a late ${late}`)
  }
})

t.test(
  'Rule 3: a request has one outcome in the evidence, booked to the variant assigned',
  async (t) => {
    const simulation = await simulate(
      3,
      0,
      (_random, variant) => ({ outcome: variant === 'canary' ? 'failed' : 'ok' }),
      [{ ...ERRORS, onFailure: 'warn' }],
    )
    const { book } = simulation
    const ticket = book.begin(
      {
        variant: 'canary',
        reason: 'random',
        unit: null,
        suppressed: false,
        keyMissing: false,
        overrideRefused: false,
      },
      'x',
    )
    for (let i = 0; i < 3; i++) {
      book.attempt(ticket, 'canary', 'http://127.0.0.1:9002', 'failed')
    }
    book.end(ticket, 'failed', 502, 1)
    book.end(ticket, 'failed', 502, 1)
    t.equal(book.variants.get('canary')!.requests, 1)
    await simulation.run(4000, () => false)
    const { trials, events: failed } = events(simulation, 'errors')
    t.same(failed, [0, trials[1]])
  },
)

t.test('Rule 4: a canary whose labels never come is paused, never promoted', async (t) => {
  for (const keys of [0, 60_000]) {
    const simulation = await simulate(4, keys, (random, variant) => ({
      error: variant === 'canary' ? null : errorOf(random, 3),
    }))
    t.ok(await simulation.run(30_000, (s) => s.phase === 'paused'))
    t.match(simulation.state, { pausedBy: 'metric', pausedMetric: 'rmse/label-missing' })
    await simulation.evaluator.command('svc', command('resume'), null)
    t.match(simulation.state, { phase: 'progressing', acknowledged: ['rmse/label-missing'] })
    t.notOk(
      await simulation.run(10_000, (s) => s.phase !== 'progressing'),
      'its minLabels are missing still',
    )
  }
})

t.test(
  'Rule 4: aborts of clients are requests without an answer and slow ones, and no errors',
  async (t) => {
    const aborted = (random: () => number, variant: string) => ({
      outcome: (variant === 'canary' && random() < 0.3 ? 'client_closed' : 'ok') as Outcome,
    })
    const simulation = await simulate(5, 0, aborted, [ERRORS], { service: held([ERRORS]) })
    t.ok(await simulation.run(20_000, (s) => s.phase === 'paused'))
    t.match(simulation.state, { pausedMetric: 'no-answer' })
    t.same(events(simulation, 'errors').events, [0, 0])
    t.ok(events(simulation, 'no-answer').events[1] > 20)
    const slow = await simulate(6, 0, aborted, [{ ...LATENCY, onFailure: 'rollback' }])
    t.ok(await slow.run(20_000, (s) => s.phase === 'rolled-back' || s.phase === 'paused'))
    t.ok(events(slow, 'latency').events[1] > 20, 'exceedances')
  },
)

t.test(
  'Rule 4: deadlines are failures in the comparison, and requests without an answer',
  async (t) => {
    const late = (random: () => number, variant: string) => ({
      outcome: (variant === 'canary' && random() < 0.3 ? 'no_answer' : 'ok') as Outcome,
    })
    const simulation = await simulate(5, 0, late, [ERRORS], { service: held([ERRORS]) })
    t.ok(await simulation.run(20_000, (s) => s.phase === 'rolled-back'))
    t.match(simulation.state, { rolledBackReason: 'errors' })
    const failed = events(simulation, 'errors').events
    t.ok(failed[1] > 10)
    t.same(failed, events(simulation, 'no-answer').events)
  },
)

t.test(
  'Rule 4: a request that failed has no label, and is asked for it all the same',
  async (t) => {
    const fails = (random: () => number, variant: string) => ({
      ...(variant === 'canary' && random() < 0.2 ? { outcome: 'failed' as Outcome } : {}),
      error: errorOf(random, 3),
    })
    // An error rate that nobody judges, so that nothing else may speak first.
    const simulation = await simulate(15, 0, fails, [RMSE], { service: held([RMSE]) })
    t.ok(await simulation.run(30_000, (s) => s.phase === 'paused'))
    t.match(simulation.state, { pausedMetric: 'rmse/label-missing' })
    t.match(
      simulation.store.log.at(-1)!.summary,
      /\. Requests that fail, .* [\d,]+ of the canary's/,
    )
    const { trials, events: missing } = events(simulation, 'rmse/label-missing')
    t.equal(missing[0], 0)
    t.ok(
      missing[1] > 0.1 * trials[1] && missing[1] < 0.3 * trials[1],
      `${missing[1]} of ${trials[1]}`,
    )
  },
)

t.test('Rule 4: guards have an α of 0.001 of their own, and only ever pause', (t) => {
  const guards = buildHypotheses(
    rolloutSpec({ analysis: { metrics: [ERRORS, RMSE] } }).analysis,
  ).filter((h) => !h.required)
  t.same(
    guards.map((h) => [h.id, h.harm.alpha, h.onFailure, h.proof]),
    [
      ['rmse/label-missing', 0.001, 'pause', null],
      ['no-answer', 0.001, 'pause', null],
      ['client-error', 0.001, 'pause', null],
    ],
  )
  t.end()
})

t.test(
  'Rule 5: with a sticky key the unit is the key: one trial, one failure per start point',
  async (t) => {
    // With requests as units every one of them would count.
    const simulation = await simulate(
      7,
      400,
      (_random, variant) => ({ outcome: variant === 'canary' ? 'failed' : 'ok' }),
      [{ ...ERRORS, onFailure: 'warn' }],
      { service: held([{ ...ERRORS, onFailure: 'warn' }], true), rps: 2000 },
    )
    await simulation.run(8000, () => false)
    const { trials, events: failed, harm } = events(simulation, 'errors')
    t.ok(trials[0] + trials[1] <= 400)
    t.equal(failed[1], trials[1])
    t.equal(
      harm[0]!.reduce((sum, s) => sum + s.canary, 0),
      trials[1],
      'a key counts once since the beginning',
    )
  },
)

t.test('Rule 5: a canary that breaks late is seen on keys that are old by then', async (t) => {
  const simulation = await simulate(
    8,
    3000,
    (random, variant, ms) => ({
      outcome: variant === 'canary' && ms > 12_000 && random() < 0.05 ? 'failed' : 'ok',
    }),
    [ERRORS],
    { service: held([ERRORS], true) },
  )
  await simulation.run(12_000, () => false)
  const before = events(simulation, 'errors')
  t.ok(before.trials[0] + before.trials[1] > 2900, 'every key was judged before')
  t.ok(await simulation.run(20_000, (s) => s.phase === 'rolled-back'))
  t.match(simulation.state, { rolledBackReason: 'errors' })
})

t.test('Rule 5: requests without a key count in a keyed service, each for itself', async (t) => {
  const simulation = await simulate(
    9,
    0,
    (random, variant) => ({
      outcome: variant === 'canary' && random() < 0.2 ? 'failed' : 'ok',
    }),
    [ERRORS],
    { service: quickService({ analysis: { metrics: [ERRORS] } }, true) },
  )
  t.ok(await simulation.run(20_000, (s) => s.phase === 'rolled-back'))
  t.match(simulation.state, { rolledBackReason: 'errors' })
})

t.test(
  'Rule 6: every attempt has an identity of its own, which salts its assignment',
  async (t) => {
    const simulation = await simulate(10, 0, () => ({}), [ERRORS])
    await simulation.run(3000, (s) => s.phase === 'progressing')
    const first = rolloutId(simulation.state)
    await simulation.evaluator.command('svc', command('abort'), null)
    await simulation.evaluator.command('svc', command('retry', { force: true }), null)
    t.same([first, rolloutId(simulation.state)], ['1.4->2.0#1', '1.4->2.0#2'])
    await simulation.run(4000, () => false)
    t.equal(simulation.store.records.get('svc')!.evidence!.rollout, '1.4->2.0#2')
  },
)

t.test(
  'Rule 7: there are never more than 16 start points, and phase changes keep their places',
  async (t) => {
    const steps = weightSteps(
      [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 20, 30, 40, 50, 60, 70, 80, 90, 100],
      0,
    ).map((s) => ({ ...s, minDurationMs: 2000 }))
    for (const [maxDurationMs, taken] of [
      [10_000, steps],
      [30_000, [...steps.slice(0, 6), ...steps.slice(-1)]],
    ] as const) {
      const service = quickService({
        spec: { steps: taken, maxDurationMs },
        analysis: { metrics: [ERRORS] },
      })
      const simulation = await simulate(11, 0, () => ({}), [ERRORS], { service, rps: 400 })
      let most = 0
      await simulation.run(90_000, (s) => {
        const { starts, stepStart } = simulation.store.records.get('svc')?.evidence ?? {
          starts: [],
          stepStart: 0,
        }
        most = Math.max(most, starts.length)
        if (stepStart >= Math.max(1, starts.length)) t.fail('a step without a start point')
        return s.phase === 'watching'
      })
      t.ok(most <= MAX_STARTS && most >= taken.length - 1 - 3, `${most} start points`)
    }
  },
)

t.test(
  'Rule 8: a canary that breaks after its proof is not promoted on old evidence',
  async (t) => {
    // Proved in the first step; in the last one it fails a little more, too little for a quick rollback.
    const steps = [...weightSteps([20], 20_000), ...weightSteps([50, 100], 50)]
    const service = quickService({
      spec: { steps },
      analysis: { metrics: [{ ...ERRORS, floor: 0.01 }] },
    })
    const simulation = await simulate(
      12,
      0,
      (random, variant) => ({
        outcome:
          random() < (variant === 'canary' && simulation.state.step === 1 ? 0.029 : 0.01)
            ? 'failed'
            : 'ok',
      }),
      [ERRORS],
      { service },
    )
    t.ok(await simulation.run(90_000, (s) => s.step === 1))
    const { sup } = events(simulation, 'errors')
    t.ok(sup.proof > Math.log(20), 'proved before the last step')
    await simulation.run(8000, (s) => s.phase === 'watching')
    t.not(simulation.state.phase, 'watching')
    t.match(
      simulation.store.log.map((d) => d.summary).join('\n'),
      /not excluded in this step alone|Rolled back/,
    )
  },
)

t.test('Rule 8: a baseline that was down for a moment promotes no canary that fails', async (t) => {
  const steps = weightSteps([50, 100], 50)
  for (const seed of seeds(6)) {
    const service = quickService({
      spec: { steps },
      analysis: { metrics: [{ ...ERRORS, floor: 0.001 }] },
    })
    let requests = 0
    const simulation = await simulate(
      seed,
      0,
      (random, variant) => {
        requests += 1
        const isDown = requests > 13_000 && requests <= 13_300
        const share = variant === 'canary' ? (requests > 13_000 ? 0.05 : 0.02) : isDown ? 1 : 0.01
        return { outcome: random() < share ? 'failed' : 'ok' }
      },
      [ERRORS],
      { service },
    )
    await simulation.run(30_000, (s) => s.phase === 'rolled-back' || s.phase === 'watching')
    t.match(simulation.state, { phase: 'rolled-back' }, `seed ${seed}`)
  }
})

t.test(
  "Rule 9: a cap is learnt from the baseline's first labels, which are not judged",
  async (t) => {
    const simulation = await simulate(13, 0, () => ({}), [{ ...RMSE, cap: null }])
    t.ok(
      await simulation.run(
        20_000,
        () => simulation.store.records.get('svc')?.evidence?.caps['rmse'] !== undefined,
      ),
    )
    const { caps, hypotheses } = simulation.store.records.get('svc')!.evidence!
    t.ok(caps['rmse']! > 5.1 && caps['rmse']! <= 3 * Math.sqrt(3))
    t.same((hypotheses['rmse'] as BetEvidence).stepMoments.n, [0, 0])
    await simulation.run(6000, () => false)
    const later = simulation.store.records.get('svc')!.evidence!
    t.equal(later.caps['rmse'], caps['rmse'], 'frozen for the attempt')
    t.ok((later.hypotheses['rmse'] as BetEvidence).strata.some((s) => s.n[0] > 0))
  },
)

t.test('Rule 9: a few answers that are wildly off do not hide behind the cap', async (t) => {
  for (const keys of [0, 100_000]) {
    const simulation = await simulate(
      14,
      keys,
      (random, variant) => ({
        error: variant === 'canary' && random() < 0.01 ? 1e6 : errorOf(random, 3),
      }),
      [{ ...RMSE, cap: 5.2, maxChange: 0.5, sensitivity: 0.5 }],
    )
    t.ok(
      await simulation.run(40_000, (s) => s.phase === 'rolled-back'),
      `${keys} keys: ${simulation.state.phase}`,
    )
    t.match(simulation.state, { rolledBackReason: 'rmse/above-cap' })
  }
})

t.test('Rule 9: what the margin allows is no matter above the cap either', async (t) => {
  for (const seed of seeds(4)) {
    const simulation = await simulate(
      seed,
      0,
      (random, variant) => ({ error: errorOf(random, variant === 'canary' ? 4 : 3) }),
      [{ ...RMSE, cap: null, maxChange: 0.5 }],
    )
    t.ok(await simulation.run(60_000, (s) => s.phase === 'promoted'), `seed ${seed}`)
  }
})

t.test(
  'Rule 10: the breaker needs half of at least 50 attempts, at twice the rate of the baseline',
  async (t) => {
    const rate =
      (share: number) =>
      (random: () => number): { outcome: Outcome } => ({
        outcome: random() < share ? 'failed' : 'ok',
      })
    const shared = await simulate(15, 0, rate(0.8), [ERRORS])
    t.notOk(
      await shared.run(15_000, (s) => s.phase === 'rolled-back'),
      'a shared outage trips nothing',
    )
    t.match(shared.state, { phase: 'paused', pausedBy: 'baseline' })
    const few = await simulate(
      16,
      0,
      (random, variant) => rate(variant === 'canary' ? 0.4 : 0)(random),
      [{ ...ERRORS, onFailure: 'warn' }],
    )
    t.notOk(await few.run(12_000, (s) => s.phase === 'rolled-back'), '40 % are not half')
    const broken = await simulate(
      17,
      0,
      (random, variant) => rate(variant === 'canary' ? 0.6 : 0)(random),
      [{ ...ERRORS, onFailure: 'warn' }],
    )
    t.ok(await broken.run(12_000, (s) => s.phase === 'rolled-back'))
    t.match(broken.state, { rolledBackReason: 'breaker' })
    t.match(broken.store.log.at(-1)!.summary, /outside α/)
    const misplaced = await simulate(
      18,
      0,
      (_random, variant) => ({ outcome: 'ok', status: variant === 'canary' ? 404 : 200 }),
      [ERRORS],
    )
    t.ok(await misplaced.run(12_000, (s) => s.phase === 'rolled-back'), 'a wrong path')
    t.match(misplaced.state, { rolledBackReason: 'breaker' })
    t.match(
      misplaced.store.log.at(-1)!.summary,
      /(\d+) of \1 of 2\.0's .* with a 4xx, .* \1 × status 404/,
    )
  },
)

t.test('Rule 10: failures that come before the first answers break nothing', async (t) => {
  // 80 canary requests a second: before the first answer 12 have failed, and nothing else has ended.
  for (const [share, ends] of [
    [0.03, false],
    [0.8, true],
  ] as const) {
    const simulation = await simulate(
      19,
      0,
      (random, variant) =>
        random() < (variant === 'canary' ? share : 0.03)
          ? { outcome: 'failed', latencyMs: 5 }
          : { outcome: 'ok', latencyMs: 5000 + 10_000 * random() },
      [{ ...ERRORS, onFailure: 'warn' }],
      {
        service: quickService({
          spec: { steps: weightSteps([20, 100], 1e9) },
          analysis: { metrics: [{ ...ERRORS, onFailure: 'warn' }], warmUpMs: 30_000 },
        }),
        rps: 400,
        reachable: (variant, ms) => variant === 'baseline' || ms > 25_000,
      },
    )
    const isOver = await simulation.run(
      60_000,
      (s) => s.phase !== 'progressing' && s.phase !== 'idle',
    )
    t.equal(isOver, ends, `${share}: ${simulation.state.phase}`)
    if (ends) t.match(simulation.state, { rolledBackReason: 'breaker' })
  }
})

t.test(
  'Rule 11: only draws are evidence: an override or a rule sends requests, not proof',
  async (t) => {
    const simulation = await simulate(20, 0, () => ({}), [ERRORS], { service: held([ERRORS]) })
    await simulation.run(4000, () => false)
    const { book } = simulation
    for (const reason of ['override', 'rule'] as const) {
      for (let i = 0; i < 200; i++) {
        const ticket = book.begin(
          {
            variant: 'canary',
            reason,
            unit: null,
            suppressed: false,
            keyMissing: false,
            overrideRefused: false,
          },
          `${reason}${i}`,
        )
        book.end(ticket, 'failed', 502, 1)
      }
    }
    await simulation.run(4000, () => false)
    t.ok(book.variants.get('canary')!.requests > 400, 'they are requests')
    const { trials, events: failed } = events(simulation, 'errors')
    t.ok(trials[1] > 400, 'others are judged')
    t.same(failed, [0, 0])
  },
)

t.test('Rule 12: the number of metrics and their α are fixed for an attempt', async (t) => {
  const simulation = await simulate(18, 0, () => ({}), [ERRORS])
  await simulation.run(5000, () => false)
  await simulation.reload(quickService({ analysis: { metrics: [ERRORS, LATENCY] } }), 'hash-2')
  t.match(simulation.state, { attempt: 2, weightBp: 0 })
  const alphas = (metrics: readonly MetricSpec[]) => {
    const { analysis } = rolloutSpec({ analysis: { metrics } })
    return buildHypotheses(analysis)
      .filter((h) => h.required)
      .map((h) => h.harm.alpha)
  }
  t.same([alphas([ERRORS]), alphas([ERRORS, LATENCY])], [[0.05], [0.025, 0.025]])
})

t.test('Rule 14: what is outside α says so', async (t) => {
  const steps = weightSteps([5, 100], 1e9)
  const service = quickService({
    spec: { steps, maxDurationMs: 8000, onInconclusive: 'promote' },
    analysis: { metrics: [ERRORS] },
  })
  const simulation = await simulate(19, 0, () => ({}), [ERRORS], { service })
  t.ok(await simulation.run(20_000, (s) => s.phase === 'watching'))
  t.match(simulation.store.log.at(-1), {
    reason: 'max-duration',
    summary: /Promoted without proof.*outside α/,
  })
})

t.test(
  'A canary that is as good as the baseline is seldom rolled back, with keys as without',
  async (t) => {
    for (const keys of [0, 400]) {
      let rolledBack = 0
      for (const seed of seeds(12)) {
        // Keys fail by themselves: a few bad ones fail often, as in life.
        const simulation = await simulate(
          seed,
          keys,
          (random) => ({ outcome: random() < 0.05 ? 'failed' : 'ok' }),
          [{ ...ERRORS, sensitivity: 0.01, floor: 0 }],
          { rps: 200 },
        )
        if (await simulation.run(15_000, (s) => s.phase === 'rolled-back')) rolledBack++
      }
      t.ok(rolledBack <= 2, `${rolledBack} of 12 with ${keys} keys`)
    }
  },
)

t.test('a baseline that refuses at once does not make the canary look slow', async (t) => {
  let isDown = false
  const simulation = await simulate(
    7,
    0,
    (random, variant) => {
      const latencyMs = 20 + 60 * random()
      return variant === 'baseline' && isDown
        ? { outcome: 'failed', latencyMs: 0.2 }
        : { outcome: 'ok', latencyMs }
    },
    [LATENCY],
    { service: held([LATENCY]), rps: 200 },
  )
  await simulation.run(30_000, () => false)
  const before = events(simulation, 'latency')
  isDown = true
  t.ok(await simulation.run(30_000, (s) => s.phase === 'paused'))
  t.match(simulation.store.log.at(-1), { action: 'pause', reason: 'baseline' })
  await simulation.run(20_000, () => false)
  const paused = events(simulation, 'latency')
  isDown = false
  await simulation.run(10_000, () => false)
  await simulation.evaluator.command('svc', command('resume'), null)
  await simulation.run(30_000, () => false)
  const after = events(simulation, 'latency')
  t.ok(after.sup.harm < Math.log(20), `no harm is seen: ${after.sup.harm}`)
  t.ok(after.trials[0] > paused.trials[0], 'compared again once the baseline is well')
  t.ok(paused.trials[0] - before.trials[0] < 200 * 15, 'and not while it is down')
})

t.test(
  'After a resume from a sick baseline neither side is held to what it failed before',
  async (t) => {
    let [isOut, rps] = [true, 400]
    const simulation = await simulate(
      9,
      0,
      () => ({ outcome: isOut ? 'failed' : 'ok' }),
      [ERRORS],
      {
        service: held([ERRORS]),
        get rps() {
          return rps
        },
      },
    )
    t.ok(await simulation.run(10_000, (s) => s.phase === 'paused'))
    t.match(simulation.state, { pausedBy: 'baseline' })
    isOut = false
    rps = 0
    await simulation.run(20_000, () => false)
    rps = 4
    await simulation.run(1000, () => false)
    await simulation.evaluator.command('svc', command('resume'), null)
    rps = 400
    t.notOk(await simulation.run(20_000, (s) => s.phase !== 'progressing'))
    isOut = true
    t.ok(await simulation.run(10_000, (s) => s.phase === 'paused'), 'it is looked at anew')
    t.match(simulation.state, { pausedBy: 'baseline' })
  },
)

t.test('A resume that comes too early rolls nobody back onto the sick baseline', async (t) => {
  let isOut = false
  const simulation = await simulate(9, 0, () => ({ outcome: isOut ? 'failed' : 'ok' }), [ERRORS], {
    service: quickService({
      spec: { steps: weightSteps([90, 100], 1e9) },
      analysis: { metrics: [ERRORS] },
    }),
    rps: 40,
  })
  await simulation.run(20_000, () => false)
  isOut = true
  t.ok(await simulation.run(20_000, (s) => s.phase === 'paused'))
  t.match(simulation.state, { pausedBy: 'baseline' })
  await simulation.run(20_000, () => false)
  await simulation.evaluator.command('svc', command('resume'), null)
  // Of ten requests the baseline has one: it has not failed often enough yet to be sick, when the canary has to be broken.
  t.ok(await simulation.run(20_000, (s) => s.phase !== 'progressing'))
  t.match(simulation.state, { phase: 'paused', pausedBy: 'baseline' })
})

t.test('A baseline that fails is sick at once, however few requests the canary has', async (t) => {
  let isOut = false
  const simulation = await simulate(
    9,
    0,
    (_random, variant) => ({ outcome: isOut && variant === 'baseline' ? 'failed' : 'ok' }),
    [ERRORS],
    {
      service: quickService({
        spec: { steps: weightSteps([1, 100], 1e9) },
        analysis: { metrics: [ERRORS] },
      }),
      rps: 20,
    },
  )
  await simulation.run(600_000, () => false)
  isOut = true
  t.ok(await simulation.run(15_000, (s) => s.phase === 'paused'), 'not after minutes')
  t.match(simulation.state, { pausedBy: 'baseline' })
  const [, bad, of] = /\((\d+) of (\d+) of its last/.exec(simulation.store.log.at(-1)!.summary)!
  t.ok(Number(bad) >= Number(of) / 2 && Number(of) <= 220, `${bad} of ${of}`)
})

t.test(
  'Clients that leave a side that hangs speak against it, and those of both against none',
  async (t) => {
    const hangs = (isHanging: (variant: string) => boolean) =>
      simulate(
        10,
        0,
        (_random, variant, ms) =>
          ms > 5000 && isHanging(variant) ? { outcome: 'client_closed', latencyMs: 2000 } : {},
        [ERRORS],
        { service: held([ERRORS]), rps: 40 },
      )
    const alone = await hangs((variant) => variant === 'canary')
    t.ok(await alone.run(15_000, (s) => s.phase === 'rolled-back'))
    t.match(alone.state, { rolledBackReason: 'breaker' })
    t.match(alone.store.log.at(-1)!.summary, 'left before an answer')
    const baseline = await hangs((variant) => variant === 'baseline')
    t.ok(await baseline.run(15_000, (s) => s.phase === 'paused'))
    t.match(baseline.state, { pausedBy: 'baseline' })
    t.match(baseline.store.log.at(-1)!.summary, 'left before an answer')
    const both = await hangs(() => true)
    t.notOk(await both.run(30_000, (s) => s.phase !== 'progressing'))
  },
)

t.test('A baseline that is sick for a moment proves no canary, by its labels either', async (t) => {
  const simulation = await simulate(
    8,
    0,
    (random, variant, ms) => {
      const isSick = variant === 'baseline' && ms > 10_000 && ms < 13_000
      return { error: errorOf(random, isSick ? 12 : variant === 'canary' ? 3.15 : 3) }
    },
    [RMSE],
    { service: held([RMSE]), rps: 400 },
  )
  await simulation.run(30_000, () => false)
  const { hypotheses } = simulation.store.records.get('svc')!.evidence!
  const { proof, calm, sup } = hypotheses['rmse'] as BetEvidence
  const shown = Math.log(20)
  t.ok(logMeanExp(proof) > shown, 'all cohorts together would prove it')
  t.ok(sup.proof < shown)
  t.equal(calm!.isWhole, false)
  t.equal(simulation.state.phase, 'progressing')
})
