import t from 'tap'
import type { CohortTerms } from '../../src/domain/cohort.ts'
import {
  endPair,
  PAIR_WINDOW_MS,
  PairLedger,
  type PairFate,
} from '../../src/metrics/pair-ledger.ts'

const FINE: PairFate = {
  liveFailed: false,
  copyFailed: false,
  disagreed: false,
  liveMs: 10,
  copyMs: 10,
  copyPrediction: null,
}

const NO_TERMS: CohortTerms = { thresholds: {}, bets: {}, caps: {} }

const opening = (step: number, number = 1, terms = NO_TERMS) => ({ number, step, terms })

t.test('pairs are counted by what became of both', (t) => {
  const ledger = new PairLedger([])
  t.equal(ledger.begin(null), null, 'no interval is open')
  ledger.turn(opening(0), 1000)
  const fates: readonly (PairFate | null)[] = [
    FINE,
    { ...FINE, disagreed: null },
    { ...FINE, disagreed: true },
    { ...FINE, copyFailed: true, disagreed: true },
    { ...FINE, liveFailed: true, disagreed: null },
    { ...FINE, liveFailed: true, copyFailed: true },
    null,
  ]
  for (const fate of fates) {
    const pair = ledger.begin(null)!
    endPair(pair, fate)
    endPair(pair, FINE)
  }
  t.same(ledger.settle(1500), [], 'the interval is open')
  ledger.turn(null, 2000)
  t.equal(ledger.begin(null), null)
  const counts = {
    ...{ pairs: 6, canaryFailed: 1, baselineFailed: 1, bothFailed: 1 },
    ...{ compared: 4, disagreed: 2 },
  }
  t.same(ledger.settle(2000), [{ number: 1, step: 0, counts }])
  t.same(ledger.settle(2000), [], 'each interval is given once')
  t.end()
})

t.test(
  'intervals are given in order: a pair that is on its way holds up all that come later',
  (t) => {
    const ledger = new PairLedger([])
    ledger.turn(opening(0), 0)
    const slow = ledger.begin(null)!
    ledger.turn(opening(1), 1000)
    endPair(ledger.begin(null)!, FINE)
    ledger.turn(opening(1), 2000)
    t.same(ledger.settle(3000), [])
    endPair(slow, { ...FINE, copyFailed: true })
    t.same(
      ledger.settle(3000).map(({ step, counts }) => [step, counts.pairs, counts.canaryFailed]),
      [
        [0, 1, 1],
        [1, 1, 0],
      ],
    )
    t.end()
  },
)

t.test('what is never known is left out after its time, and counted by nobody', (t) => {
  const ledger = new PairLedger([])
  ledger.turn(opening(0), 0)
  const lost = ledger.begin(null)!
  endPair(ledger.begin(null)!, FINE)
  ledger.turn(null, 1000)
  t.same(ledger.settle(999 + PAIR_WINDOW_MS), [])
  const [given] = ledger.settle(1000 + PAIR_WINDOW_MS)
  t.match(given, { counts: { pairs: 1 } })
  endPair(lost, FINE)
  t.match(given, { counts: { pairs: 1 } })
  t.same(ledger.settle(1e9), [])
  t.end()
})
