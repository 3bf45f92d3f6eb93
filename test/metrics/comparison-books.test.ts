import t from 'tap'
import type { Assignment } from '../../src/domain/assignment.ts'
import type { Prediction } from '../../src/domain/prediction.ts'
import { SETTLE_MS } from '../../src/domain/outcome.ts'
import { CohortLedger } from '../../src/metrics/cohort-ledger.ts'
import { ServiceBook } from '../../src/metrics/service-recorder.ts'
import { UnitClaims } from '../../src/metrics/unit-claims.ts'
import { buildHypotheses } from '../../src/rollout/hypotheses.ts'
import { threeWay } from '../fakes/experiment-world.ts'
import { ERRORS, ManualClock, rolloutSpec } from '../fakes/simulated-service.ts'

/** The books of a keyed experiment with two comparisons, which claim together. */
function build() {
  const clock = new ManualClock()
  const remembered: Prediction[] = []
  const remember = (prediction: Prediction) => remembered.push(prediction)
  const service = threeWay([ERRORS], true)
  const book = new ServiceBook({ service, clock, remember, previous: null })
  const claims = new UnitClaims()
  claims.share()
  const hypotheses = buildHypotheses(rolloutSpec().analysis)
  const [b, c] = ['b', 'c'].map((variant) => {
    const ledger = new CohortLedger(hypotheses, true, 100, claims)
    book.compare(variant, ledger, 'x#1')
    return ledger
  }) as [CohortLedger, CohortLedger]
  const open = (ledger: CohortLedger) =>
    ledger.open({
      ...{ number: 7, rollout: 'x#1', step: 0, pi: 0.5, epoch: 0, judged: true, now: clock.ms },
      terms: { thresholds: {}, bets: {}, caps: {} },
    })
  return { book, clock, claims, remembered, b, c, open }
}

function drawn(variant: string, unit: number): Assignment {
  const none = { suppressed: false, keyMissing: false, overrideRefused: false }
  return { variant, reason: 'key', unit, ...none }
}

t.test('a key of the baseline is claimed once for all comparisons', (t) => {
  const { book, claims, remembered, b, c, open } = build()
  const cohorts = [open(b), open(c)]
  const ticket = book.begin(drawn('baseline', 1), 'r1')
  const again = book.begin(drawn('baseline', 1), 'r2')
  book.begin(drawn('c', 2), 'r3')
  t.same(
    claims.pending.map(({ unit }) => unit),
    [1, 2],
  )
  for (const each of [ticket, again]) {
    book.end(each, 'failed', 500, 5)
    book.predicted(each, 3)
  }
  t.same(
    remembered.map(({ requestId, cohort }) => [requestId, cohort]),
    [['r2', -1]],
    'it cannot be the first one',
  )
  for (const { assigned } of cohorts) t.same(assigned, [0, 0])
  for (const claim of claims.pending) claim.settle(true)
  t.same(
    cohorts.map(({ assigned }) => assigned),
    [
      [1, 0],
      [1, 1],
    ],
  )
  for (const { tallies } of cohorts) t.match(tallies['errors'], { events: [1, 0] })
  t.match(remembered[1], { requestId: 'r1', cohort: 7, rollout: 'x#1' })
  t.end()
})

t.test('a key that somebody else has judged is judged in no comparison', (t) => {
  const { book, claims, remembered, b, c, open } = build()
  const cohorts = [open(b), open(c)]
  const ticket = book.begin(drawn('baseline', 1), 'r1')
  book.end(ticket, 'failed', 500, 5)
  book.predicted(ticket, 3)
  claims.pending[0]!.settle(false)
  for (const { assigned, tallies } of cohorts) {
    t.same(assigned, [0, 0])
    t.match(tallies['errors'], { trials: [0, 0], harmUnits: [[1], []] }, 'it fails all the same')
  }
  t.match(remembered, [{ cohort: -1 }])
  t.same([b.units.knows(1), c.units.knows(1)], [true, true])
  t.end()
})

t.test('a key that one comparison knows is claimed for the other', (t) => {
  const { book, claims, b, c, open } = build()
  b.units.admit(1)
  open(b)
  open(c)
  const ticket = book.begin(drawn('baseline', 1), 'r1')
  t.same(
    ticket.compared.map((place) => place.ticket.claim?.unit ?? null),
    [null, 1],
  )
  claims.pending[0]!.settle(true)
  t.same(
    ticket.compared.map((place) => place.ticket.first),
    [false, true],
  )
  t.end()
})

t.test('what was never answered is first nowhere, and holds no cohort up', (t) => {
  const { book, clock, claims, remembered, b, c, open } = build()
  const cohorts = [open(b), open(c)]
  const ticket = book.begin(drawn('baseline', 1), 'r1')
  book.end(ticket, 'ok', 200, 5)
  book.predicted(ticket, 3)
  for (const ledger of [b, c]) ledger.close(clock.ms)
  const later = clock.ms + SETTLE_MS
  for (const ledger of [b, c]) t.equal(ledger.settleUntil(later - 1, later - 1).length, 0)
  for (const ledger of [b, c]) t.equal(ledger.settleUntil(later, later).length, 1)
  for (const { assigned } of cohorts) t.same(assigned, [0, 0])
  t.match(remembered, [{ cohort: -1 }])
  t.same(claims.pending, [])
  t.end()
})
