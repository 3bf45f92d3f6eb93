import t from 'tap'
import type { CohortTerms } from '../../src/domain/cohort.ts'
import type { Score } from '../../src/domain/hypothesis.ts'
import type { PairTest } from '../../src/domain/pairs.ts'
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
  predictions: null,
}

const MEDIAN = { quantile: 0.5 }
const FIRST_BYTE = { ...MEDIAN, until: 'first-byte' } as const

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

const RATIOS = { harmRatio: 1, proofRatio: 1, floor: 0 }
const COMMON = {
  onFailure: 'rollback',
  required: true,
  alphaHarm: 0.05,
  alphaProof: 0.05,
} as const
const LATENCY_TEST: PairTest = {
  ...COMMON,
  id: 'latency/mirror',
  metric: 'latency',
  asks: { of: 'latency', quantile: 0.5, harmMargin: 0.1, proofMargin: 0.2, ...RATIOS },
}
const FAILURE_TEST: PairTest = {
  ...COMMON,
  id: 'errors@gold/mirror',
  metric: 'errors',
  segment: 'gold',
  asks: { of: 'failure', ...RATIOS },
}

t.test('a pair is slow by the threshold of its side, or by failing', (t) => {
  const ledger = new PairLedger([LATENCY_TEST])
  const thresholds = { 'latency/mirror': { baselineMs: 100, harmMs: 110, proofMs: 120 } }
  ledger.turn(opening(0, 1, { ...NO_TERMS, thresholds }), 0)
  const fates: readonly Partial<PairFate>[] = [
    { liveMs: 100, copyMs: 110 },
    { liveMs: 101, copyMs: 111 },
    { copyMs: 121 },
    { copyFailed: true, copyMs: 1 },
    { liveFailed: true, liveMs: null },
    { liveMs: null },
  ]
  for (const fate of fates) endPair(ledger.begin(null)!, { ...FINE, ...fate })
  ledger.turn(null, 1)
  t.match(ledger.settle(1)[0]!.tallies, {
    'latency/mirror': {
      ...{ trials: [5, 5], harmEvents: [2, 3], events: [2, 2], both: [0, 1] },
    },
  })
  const unknown = new PairLedger([LATENCY_TEST])
  unknown.turn(opening(0), 0)
  endPair(unknown.begin(null)!, FINE)
  unknown.turn(null, 1)
  t.match(unknown.settle(1), [{ tallies: { 'latency/mirror': { trials: [0, 0] } } }])
  t.end()
})

t.test('a segment is counted apart', (t) => {
  const ledger = new PairLedger([FAILURE_TEST])
  ledger.turn(opening(0), 0)
  for (const segment of ['gold', 'other', null])
    endPair(ledger.begin(segment)!, { ...FINE, copyFailed: true })
  ledger.turn(null, 1)
  t.match(ledger.settle(1), [
    { counts: { canaryFailed: 3 }, tallies: { 'errors@gold/mirror': { harmEvents: [0, 1] } } },
  ])
  t.end()
})

t.test('what predicts nothing that a score could use is counted by its side', (t) => {
  const guard = (score: Score, segment?: string): PairTest => ({
    ...{ ...COMMON, id: `${score}${segment ?? ''}`, metric: 'm', alphaProof: null },
    ...(segment === undefined ? undefined : { segment }),
    asks: { of: 'label-missing', score, ...RATIOS },
  })
  const ledger = new PairLedger([
    guard('absolute-error'),
    guard('log-loss'),
    guard('correct', 'gold'),
  ])
  ledger.turn(opening(0), 0)
  const said: readonly PairFate['predictions'][] = [
    [0.5, 0.5],
    [null, 1],
    [0, null],
    [null, null],
    // Probabilities alone have a loss.
    [0.5, 1.01],
    [-1, 1],
    [7, 2],
    null,
  ]
  for (const predictions of said) endPair(ledger.begin(null)!, { ...FINE, predictions })
  endPair(ledger.begin('gold')!, { ...FINE, liveFailed: true, copyFailed: true })
  endPair(ledger.begin('gold')!, { ...FINE, liveFailed: true, predictions: [null, 2] })
  ledger.turn(null, 1)
  const { tallies } = ledger.settle(1)[0]!
  t.match(tallies!['absolute-error'], { trials: [8, 8], harmEvents: [3, 2], both: [1, 1] })
  t.match(tallies!['log-loss'], { trials: [8, 8], harmEvents: [5, 5], both: [3, 3] })
  t.match(tallies!['correctgold'], { trials: [1, 1], harmEvents: [1, 0], both: [0, 0] })
  t.end()
})

t.test('times are those of the step, the baseline is known over all steps', (t) => {
  const ledger = new PairLedger([{ ...LATENCY_TEST, segment: 'gold' }])
  t.same(ledger.stepQuantile(0, 0, MEDIAN, null), { value: null, n: 0 })
  t.equal(ledger.baselineQuantile(MEDIAN, null), null)
  ledger.turn(opening(0), 0)
  for (let n = 0; n < 8; n++)
    endPair(ledger.begin(n < 4 ? 'gold' : null)!, { ...FINE, copyMs: n < 4 ? 20 : null })
  const late = ledger.begin(null)!
  t.match(ledger.stepQuantile(0, 0, MEDIAN, null), { n: 8 })
  t.match(ledger.stepQuantile(0, 1, MEDIAN, null), { n: 4 })
  t.match(ledger.stepQuantile(0, 1, MEDIAN, 'gold'), { n: 4 })
  t.ok(Math.abs(ledger.baselineQuantile(MEDIAN, null)! - 10) < 0.3)
  t.equal(ledger.baselineQuantile(MEDIAN, 'gold'), null, 'too few')
  ledger.turn(opening(1, 2), 1000)
  endPair(late, FINE)
  t.same(ledger.stepQuantile(1, 0, MEDIAN, null), { value: null, n: 0 })
  t.same(ledger.stepQuantile(0, 0, MEDIAN, null), { value: null, n: 0 })
  t.ok(ledger.baselineQuantile(MEDIAN, null)! > 9)
  ledger.turn(opening(1, 3), 6_000_000)
  t.equal(ledger.baselineQuantile(MEDIAN, null), null, 'old times fade')
  t.end()
})

t.test('until the first byte the times are others, where a metric asks', (t) => {
  const asks = { ...LATENCY_TEST.asks, ...FIRST_BYTE } as PairTest['asks']
  const ledger = new PairLedger([LATENCY_TEST, { ...LATENCY_TEST, id: 'first/mirror', asks }], true)
  const slow = { baselineMs: 100, harmMs: 110, proofMs: 120 }
  const thresholds = { 'latency/mirror': slow, 'first/mirror': slow }
  ledger.turn(opening(0, 1, { ...NO_TERMS, thresholds }), 0)
  const fates: readonly Partial<PairFate>[] = [
    { firstBytes: { liveMs: 90, copyMs: 115 } },
    { firstBytes: { liveMs: 101, copyMs: 121 } },
    { copyFailed: true, firstBytes: { liveMs: 90, copyMs: null } },
    // Of one side nothing is known, or of both.
    { firstBytes: { liveMs: null, copyMs: 500 } },
    {},
  ]
  for (const fate of fates) endPair(ledger.begin(null)!, { ...FINE, ...fate })
  t.match(ledger.stepQuantile(0, 0, FIRST_BYTE, null), { n: 3 })
  t.match(ledger.stepQuantile(0, 1, FIRST_BYTE, null), { n: 3 })
  t.match(ledger.stepQuantile(0, 0, MEDIAN, null), { n: 5 })
  const { times, firstBytes } = ledger.shareTimes()
  t.same([times.length, firstBytes!.length], [1, 1])
  const other = {
    service: 'svc',
    rollout: 'r',
    step: 0,
    labels: {},
    times,
    firstBytes: firstBytes!,
  }
  t.match(ledger.stepQuantile(0, 1, FIRST_BYTE, null, [other]), { n: 6 })
  t.match(ledger.stepQuantile(0, 1, MEDIAN, null, [other]), { n: 10 })
  const { firstBytes: _, ...before } = other
  t.match(ledger.stepQuantile(0, 1, FIRST_BYTE, null, [before]), { n: 3 }, 'an earlier version')
  ledger.turn(null, 1)
  t.match(ledger.settle(1)[0]!.tallies, {
    'first/mirror': { trials: [3, 3], harmEvents: [1, 3], events: [1, 2], both: [1, 1] },
    'latency/mirror': { trials: [5, 5], harmEvents: [0, 1] },
  })
  const silent = new PairLedger([LATENCY_TEST])
  silent.turn(opening(0), 0)
  endPair(silent.begin(null)!, { ...FINE, firstBytes: { liveMs: 1, copyMs: 1 } })
  t.same(silent.stepQuantile(0, 0, FIRST_BYTE, null), { value: null, n: 0 }, 'nobody asks')
  t.notOk('firstBytes' in silent.shareTimes())
  t.end()
})
