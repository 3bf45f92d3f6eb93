import t from 'tap'
import type { Outcome } from '../../src/domain/outcome.ts'
import type { Look } from '../../src/evaluator/observe.ts'
import { Rest } from '../../src/evaluator/rest.ts'
import { ServiceBook } from '../../src/metrics/service-recorder.ts'
import type { RolloutPlan } from '../../src/rollout/plan.ts'
import { emptyEvidence } from '../../src/statistics/empty-evidence.ts'
import { terms } from '../fakes/measurements.ts'
import { confirmedPlan, NOW, plan, state } from '../fakes/rollout.ts'
import { rolloutSpec, service, ERRORS } from '../fakes/simulated-service.ts'

const WARM = NOW - 1

type Seen = Parameters<Rest['begin']>[1]

/** A look at a service without requests, whose upstreams can be reached. */
function quietLook(of: RolloutPlan = plan(), mirrors: 'none' | 'canary' = 'none') {
  const clock = { now: () => NOW, monotonic: () => 0 }
  const plain = service(rolloutSpec())
  const to = { to: 'canary', share: 1, maxBytes: 1, tolerance: 0 }
  const book = new ServiceBook({
    service: mirrors === 'none' ? plain : { ...plain, mirrors: [to as never] },
    clock,
    remember: () => {},
    previous: null,
  })
  const up = { ready: true, downForMs: 0 }
  const health = { baseline: up, canary: up } as Record<string, typeof up>
  const look: Look = {
    plan: of,
    state: state(),
    evidence: emptyEvidence('1.4->2.0#1', of.hypotheses, 0),
    book,
    sight: { reachability: (variant) => health[variant]!, confirm: () => 'given' },
    others: { stepShares: () => [], faultShares: () => [], pairFigures: () => [] },
    now: NOW,
    warmUp: false,
  }
  const end = (variant: string, outcome: Outcome = 'ok', status = 200) => {
    const drawn = { variant, reason: 'random', unit: null, suppressed: false } as const
    const ticket = book.begin({ ...drawn, keyMissing: false, overrideRefused: false }, 'id')
    book.end(ticket, outcome, status, 1)
  }
  return { look, health, end }
}

/** What was seen by it, after so many bad attempts of each variant in the spans of the breaker. */
function seenBy({ book }: Look, bad = { baseline: 0, canary: 0 }): Seen {
  const of = (failures: number) => ({ attempts: 99, failures, clientErrors: 0 })
  const baseline = of(bad.baseline)
  const breaker = { tripped: false, canary: of(bad.canary), baseline, baselineRecent: baseline }
  return { lastRequestAt: book.lastRequestAt, breaker }
}

/** A rest that has begun with that look. */
function restOf(
  { look }: ReturnType<typeof quietLook>,
  { warmUntil = WARM, foldsAt = Infinity, seen = seenBy(look) } = {},
): Rest {
  const rest = new Rest()
  rest.begin(look, seen, look.state, warmUntil, foldsAt)
  return rest
}

t.test('it lasts until a moment at which something may be decided', (t) => {
  const quiet = quietLook()
  t.notOk(new Rest().lasts(quiet.look), 'none has begun')
  const rest = restOf(quiet)
  t.ok(rest.lasts({ ...quiet.look, now: NOW + 250 }))
  // The step began a minute ago, and nobody has asked since.
  t.ok(rest.lasts({ ...quiet.look, now: NOW + 3_539_999 }))
  t.notOk(rest.lasts({ ...quiet.look, now: NOW + 3_540_000 }), 'the rollout has taken an hour')
  for (const [why, given] of [
    ['the warm-up is over', { warmUntil: NOW + 5 }],
    ['a cohort is due', { foldsAt: NOW + 5 }],
  ] as const) {
    const until = restOf(quiet, given)
    t.ok(until.lasts({ ...quiet.look, now: NOW + 4 }))
    t.notOk(until.lasts({ ...quiet.look, now: NOW + 5 }), why)
  }
  t.end()
})

t.test(
  'requests that end well leave it, those that do not end it where the breaker could speak',
  (t) => {
    const cases = [
      ['canary', 50, { canary: 0 }, 25],
      ['canary', 50, { canary: 20 }, 5],
      ['canary', 10, { canary: 0 }, 5],
      ['baseline', 50, { baseline: 0 }, 10],
      ['baseline', 10, { baseline: 7 }, 3],
    ] as const
    for (const [variant, minAttempts, bad, needed] of cases) {
      const quiet = quietLook()
      const look = { ...quiet.look, warmUp: minAttempts === 10 }
      const before = { baseline: 0, canary: 0, ...bad }
      const rest = restOf({ ...quiet, look }, { seen: seenBy(look, before) })
      const ends = [
        () => quiet.end(variant, 'failed', 500),
        () => quiet.end(variant, 'ok', 404),
        () => quiet.end(variant, 'client_closed', 499),
      ]
      for (let n = 0; n < 100; n += 1) quiet.end(variant)
      for (let n = 1; n < needed; n += 1) ends[n % ends.length]!()
      t.ok(rest.lasts(look), `${variant}: fewer than ${needed} of at least ${minAttempts}`)
      ends[needed % ends.length]!()
      t.notOk(rest.lasts(look), `${variant}: ${needed} of at least ${minAttempts}`)
    }
    const failing = quietLook()
    const seen = seenBy(failing.look, { baseline: 0, canary: 25 })
    t.notOk(
      restOf(failing, { seen }).lasts(failing.look),
      'where so many have failed each look looks',
    )
    t.end()
  },
)

t.test('a rollout that holds since nobody asks goes on with the next request', (t) => {
  const quiet = quietLook()
  const look = { ...quiet.look, state: { ...quiet.look.state, holdReason: 'no-traffic' } }
  const rest = restOf({ ...quiet, look })
  t.ok(rest.lasts(look))
  quiet.end('baseline')
  t.notOk(rest.lasts(look))
  t.end()
})

t.test('it ends with whatever the look was of', (t) => {
  const quiet = quietLook()
  const rest = restOf(quiet)
  const { look } = quiet
  t.notOk(rest.lasts({ ...look, state: state() }))
  t.notOk(rest.lasts({ ...look, plan: plan() }))
  t.notOk(rest.lasts({ ...look, evidence: { ...look.evidence } }))
  t.notOk(rest.lasts({ ...look, book: quietLook().look.book }))
  for (const variant of ['baseline', 'canary']) {
    for (const ill of [
      { ready: false, downForMs: 0 },
      { ready: true, downForMs: 9 },
    ]) {
      const well = quiet.health[variant]!
      quiet.health[variant] = ill
      t.notOk(rest.lasts(look), variant)
      t.notOk(restOf(quiet).lasts(look), 'nor does it begin')
      quiet.health[variant] = well
    }
  }
  t.ok(rest.lasts(look))
  rest.begin(look, seenBy(look), state(), WARM, Infinity)
  t.notOk(rest.lasts(look), 'something was decided')
  t.notOk(restOf(quiet, { foldsAt: -Infinity }).lasts(look), 'something may be folded now')
  t.end()
})

t.test('where something is asked for at times of its own it never begins', (t) => {
  const never = {
    'a promotion is confirmed': quietLook(confirmedPlan()),
    'the canary is mirrored': quietLook(plan(), 'canary'),
    'a metric is measured': quietLook(
      plan({ analysis: { metrics: [{ ...ERRORS, threshold: terms() }] } }),
    ),
  }
  for (const [why, each] of Object.entries(never)) t.notOk(restOf(each).lasts(each.look), why)
  const limited = quietLook(plan({ analysis: { metrics: [{ ...ERRORS, max: 0.1 }] } }))
  t.ok(restOf(limited).lasts(limited.look), 'a limit is counted at turns')
  t.end()
})
