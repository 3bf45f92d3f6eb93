import t from 'tap'
import type { Prediction } from '../../src/domain/prediction.ts'
import { PairedPredictions } from '../../src/metrics/paired-predictions.ts'
import { endPair, PairLedger, type PairFate } from '../../src/metrics/pair-ledger.ts'
import { samplePrediction } from '../store/samples.ts'

const FATE: PairFate = {
  ...{ liveFailed: false, copyFailed: false, disagreed: false },
  ...{ liveMs: 1, copyMs: 1, predictions: [4, 5] },
}

function world() {
  const kept: Prediction[] = []
  const halves = new PairedPredictions({
    add: (prediction) => kept.push(prediction),
    find: (service, requestId) =>
      kept.filter((p) => p.requestId === requestId && (service ?? p.service) === p.service),
  })
  const ledger = new PairLedger([])
  ledger.turn({ number: 9, step: 0, terms: { thresholds: {}, bets: {}, caps: {} } }, 0)
  return { kept, halves, begin: () => ledger.begin(null)! }
}

const ONE = samplePrediction()
const BOTH = { ...ONE, pair: { cohort: 9, copy: 5 } }

t.test('both predictions of a pair go on together, whichever is known first', (t) => {
  for (const first of ['live', 'copy'] as const) {
    const { kept, halves, begin } = world()
    const pair = begin()
    if (first === 'copy') endPair(pair, FATE)
    halves.add(ONE, pair)
    if (first === 'live') {
      t.same(kept, [])
      endPair(pair, FATE)
    }
    endPair(pair, { ...FATE, predictions: [4, 6] })
    t.same(kept, [BOTH], first)
  }
  const { kept, halves, begin } = world()
  const pair = begin()
  halves.add(ONE, pair)
  endPair(pair, { ...FATE, predictions: [4, null] })
  t.same(kept, [{ ...ONE, pair: { cohort: 9, copy: null } }], 'the canary predicts nothing')
  t.end()
})

t.test('without a copy, or where nobody can say what it said, a prediction goes alone', (t) => {
  const { kept, halves, begin } = world()
  halves.add(ONE, null)
  const [unread, cancelled] = [begin(), begin()]
  halves.add(ONE, unread)
  halves.add(ONE, cancelled)
  endPair(unread, { ...FATE, predictions: null })
  endPair(cancelled, null)
  t.same(kept, [ONE, ONE, ONE])
  t.end()
})

t.test(
  'a label that is faster than the copy finds its prediction, which is no pair any more',
  (t) => {
    const { kept, halves, begin } = world()
    const [pair, other] = [begin(), begin()]
    halves.add(ONE, pair)
    halves.add({ ...ONE, service: 'other' }, other)
    t.same(halves.find(null, 'r-9'), [])
    t.same(kept, [], 'that of another request waits on')
    t.same(halves.find(ONE.service, ONE.requestId), [ONE])
    endPair(pair, FATE)
    t.equal(kept.length, 2, 'each is handed on once')
    t.end()
  },
)
