import { fc } from '../support/fast-check.ts'
import t from 'tap'
import { BASELINE_SIDE, CANARY_SIDE, type BetTally, type Side } from '../../src/domain/cohort.ts'
import { emptyBetTally } from '../../src/metrics/tally.ts'
import { addBet, centredBets } from '../../src/statistics/mean-bet.ts'
import { addToBins, rebet, rebetGap } from '../../src/statistics/value-bins.ts'

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
  const won = rebet(tally.bins!, terms, pi, RATIOS)
  return { tally, won, gap: rebetGap(tally.bins!, terms, pi, RATIOS) }
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
