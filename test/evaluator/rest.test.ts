import t from 'tap'
import type { Look } from '../../src/evaluator/observe.ts'
import { Rest } from '../../src/evaluator/rest.ts'
import { ServiceBook } from '../../src/metrics/service-recorder.ts'
import type { RolloutPlan } from '../../src/rollout/plan.ts'
import { emptyEvidence } from '../../src/statistics/empty-evidence.ts'
import { confirmedPlan, NOW, plan, state } from '../fakes/rollout.ts'
import { rolloutSpec, service, ERRORS } from '../fakes/simulated-service.ts'

const WARM = NOW - 1

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
  const end = (variant: string) => {
    const drawn = { variant, reason: 'random', unit: null, suppressed: false } as const
    const ticket = book.begin({ ...drawn, keyMissing: false, overrideRefused: false }, 'id')
    book.end(ticket, 'ok', 200, 1)
  }
  return { look, health, end }
}

/** A rest that has begun with that look. */
function restOf({ look }: ReturnType<typeof quietLook>, warmUntil: number | null = WARM): Rest {
  const rest = new Rest()
  rest.begin(look, { lastRequestAt: look.book.lastRequestAt }, look.state, warmUntil)
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
  const warming = restOf(quiet, NOW + 5)
  t.ok(warming.lasts({ ...quiet.look, now: NOW + 4 }))
  t.notOk(warming.lasts({ ...quiet.look, now: NOW + 5 }), 'the warm-up is over')
  t.end()
})

t.test('a request that ends ends it, and what the breaker looks at changes with the time', (t) => {
  for (const variant of ['baseline', 'canary']) {
    const quiet = quietLook()
    const rest = restOf(quiet)
    quiet.end(variant)
    t.notOk(rest.lasts(quiet.look), variant)
    const again = restOf(quiet)
    t.ok(again.lasts({ ...quiet.look, now: NOW + 999 }))
    t.notOk(again.lasts({ ...quiet.look, now: NOW + 1000 }))
  }
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
  rest.begin(look, { lastRequestAt: null }, state(), WARM)
  t.notOk(rest.lasts(look), 'something was decided')
  t.notOk(restOf(quiet, null).lasts(look), 'something waits to be folded')
  t.end()
})

t.test('where something is asked for or compared at other times it never begins', (t) => {
  const never = {
    'a promotion is confirmed': quietLook(confirmedPlan()),
    'the canary is mirrored': quietLook(plan(), 'canary'),
    'a metric has a limit': quietLook(plan({ analysis: { metrics: [{ ...ERRORS, max: 0.1 }] } })),
  }
  for (const [why, each] of Object.entries(never)) t.notOk(restOf(each).lasts(each.look), why)
  t.end()
})
