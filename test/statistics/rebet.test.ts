import { fc } from '../support/fast-check.ts'
import t from 'tap'
import { BASELINE_SIDE, CANARY_SIDE, type BetTally, type Side } from '../../src/domain/cohort.ts'
import { emptyBetTally } from '../../src/metrics/tally.ts'
import { addBet, centredBets } from '../../src/statistics/mean-bet.ts'
import { hasBins, rebet, rebetGap } from '../../src/statistics/rebet.ts'
import { addRatioUnits, ratioBets } from '../../src/statistics/ratio-bet.ts'
import { addToBins } from '../../src/statistics/value-bins.ts'

const CAP = 25
const RATIOS = { harm: 1.1, proof: 1.3 }

type Value = { readonly side: Side; readonly y: number }

/** The terms of the next cohort, and what was won on these values one by one and from their bins. */
function bothWays(values: readonly Value[], pi: number) {
  const basis = { pi, mean: 4, variance: 12, cap: CAP }
  const terms = {
    centre: 4,
    cap: CAP,
    harm: centredBets({ ...basis, ratio: RATIOS.harm }, 'above'),
    proof: centredBets({ ...basis, ratio: RATIOS.proof }, 'below'),
  }
  const tally: BetTally = emptyBetTally('score')
  for (const { side, y } of values) {
    addBet(tally, terms, side, y, pi, RATIOS.harm, RATIOS.proof)
    addToBins(tally.bins![side], y)
  }
  const won = rebet(tally, terms, pi, RATIOS)
  return { tally, won, gap: rebetGap(tally, terms, pi, RATIOS) }
}

const value = fc.record({
  side: fc.constantFrom(BASELINE_SIDE, CANARY_SIDE),
  y: fc.oneof(fc.constant(0), fc.double({ min: 0, max: CAP, noNaN: true }), fc.constant(CAP)),
})

t.test(
  'Bets on bins win at least what bets on the values win, and at most the gap more.',
  async () => {
    fc.assert(
      fc.property(
        fc.array(value, { maxLength: 200 }),
        fc.constantFrom(0.05, 0.2, 0.5),
        (values, pi) => {
          const { tally, won, gap } = bothWays(values, pi)
          const within = (
            exact: readonly number[],
            binned: readonly number[],
            most: readonly number[],
          ) =>
            exact.every((sum, bet) => {
              const over = binned[bet]! - sum
              return over >= -1e-9 && over <= most[bet]! + 1e-9
            })
          return within(tally.harm, won.harm, gap.harm) && within(tally.proof, won.proof, gap.proof)
        },
      ),
      { numRuns: 500 },
    )
  },
)

t.test('Bins that hold one value or zeros are exact.', async (t) => {
  const alone = [0.3, 1, 2.7, 24].map((y) => ({ side: CANARY_SIDE as Side, y }))
  const zeros = Array.from({ length: 5 }, () => ({ side: BASELINE_SIDE as Side, y: 0 }))
  const { tally, won, gap } = bothWays([...alone, ...zeros], 0.2)
  t.ok(won.harm.every((sum, bet) => Math.abs(sum - tally.harm[bet]!) < 1e-12))
  t.ok([...gap.harm, ...gap.proof].every((each) => each === 0))
})

t.test(
  'Ten thousand squared errors are bet on anew to within 0.1 of the log-evidence.',
  async (t) => {
    const random = Array.from({ length: 10_000 }, (_, i) => (i * 0.618033988749895) % 1)
    const values = random.map((u, i): Value => ({
      side: i % 5 === 0 ? CANARY_SIDE : BASELINE_SIDE,
      // An even spread of errors of root mean square 2.
      y: Math.min(CAP, (u * 2 * Math.sqrt(3)) ** 2),
    }))
    const { tally, won } = bothWays(values, 0.2)
    const worst = Math.max(...tally.harm.map((sum, bet) => won.harm[bet]! - sum))
    t.ok(worst > 0 && worst < 0.1, `${worst}`)
  },
)

t.test(
  'Values that were taken back leave nothing, and those of older versions have no bins.',
  async (t) => {
    const values = [0.3, 7].map((y) => ({ side: CANARY_SIDE as Side, y }))
    const { tally, won } = bothWays(values, 0.2)
    for (const [y, times] of [
      [3, 1],
      [3, -1],
      [0.1 + 0.2, 1],
      [0.1 + 0.2, -1],
    ] as const) {
      addToBins(tally.bins![CANARY_SIDE], y, times)
    }
    const terms = { centre: 4, cap: CAP, harm: [0.01], proof: [-0.01] }
    t.ok(won.harm.every(Number.isFinite))
    for (const logs of [rebet, rebetGap]) {
      t.ok([...logs(tally, terms, 0.2, RATIOS).harm].every(Number.isFinite))
    }
    const { bins: _, ...older } = tally
    t.same([hasBins(tally), hasBins(older)], [true, false])
  },
)

const RATIO_CAP = 200
const count = fc.oneof(fc.integer({ min: 0, max: 20 }), fc.integer({ min: 0, max: RATIO_CAP }))
const unit = fc.record({
  side: fc.constantFrom(BASELINE_SIDE, CANARY_SIDE),
  num: count,
  den: count,
})

/** What was won on these units one by one and from their bins. */
function ratioBothWays(units: readonly { side: Side; num: number; den: number }[], pi: number) {
  const basis = { pi, centre: 0.3, denominatorMean: 4, variance: 3, cap: RATIO_CAP, lift: 1.1 }
  const terms = {
    ...{ centre: 0.3, cap: RATIO_CAP, lift: 1.1 },
    harm: ratioBets({ ...basis, ratio: RATIOS.harm }, 'above'),
    proof: ratioBets({ ...basis, ratio: RATIOS.proof }, 'below'),
  }
  const tally = emptyBetTally('ratio')
  for (const { side, num, den } of units) {
    addRatioUnits(tally, terms, side, [num, den], { pi, ...RATIOS }, 1)
  }
  const won = rebet(tally, terms, pi, RATIOS)
  return { tally, won, gap: rebetGap(tally, terms, pi, RATIOS) }
}

t.test('So are bets on a ratio, by the bins of both counts.', async () => {
  fc.assert(
    fc.property(fc.array(unit, { maxLength: 100 }), fc.constantFrom(0.05, 0.5), (units, pi) => {
      const { tally, won, gap } = ratioBothWays(units, pi)
      return (['harm', 'proof'] as const).every((kind) =>
        tally[kind].every((exact, bet) => {
          const over = won[kind][bet]! - exact
          return over >= -1e-9 && over <= gap[kind][bet]! + 1e-9
        }),
      )
    }),
    { numRuns: 500 },
  )
})

t.test('Counts below 23 have bins of their own, so that bets on them are exact.', async (t) => {
  const units = Array.from({ length: 23 * 23 * 2 }, (_, i) => ({
    ...{ side: (i % 2) as Side, num: i % 23, den: Math.floor(i / 46) },
  }))
  const { tally, won, gap } = ratioBothWays([...units, ...units], 0.2)
  t.ok(won.proof.every((sum, bet) => Math.abs(sum - tally.proof[bet]!) < 1e-9))
  t.ok([...gap.harm, ...gap.proof].every((each) => Math.abs(each) < 1e-9))
  const larger = [40, 41, 41].map((num) => ({ side: CANARY_SIDE as Side, num, den: 50 }))
  const { gap: some } = ratioBothWays(larger, 0.2)
  t.ok(some.proof.some((each) => each > 0))
})
