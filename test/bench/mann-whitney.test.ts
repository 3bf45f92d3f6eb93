import t from 'tap'
import { readFileSync } from 'node:fs'
import { kayentaClass, mannWhitneyShift, shiftScore } from '../../bench/calibration/mann-whitney.ts'
import { near } from '../statistics/near.ts'

/**
 * The arrays of Kayenta's own MannWhitneySuite (spinnaker/kayenta at a69573b, Apache-2.0), and what it
 * expects of them, some of it computed with R.
 */
const cases = JSON.parse(readFileSync('test/bench/kayenta-cases.json', 'utf8')) as Record<
  'large' | 'r' | 'rLarge' | 'intermediate',
  { readonly experiment: readonly number[]; readonly control: readonly number[] }
>

t.test('The score of a shift is the one that Kayenta expects.', async (t) => {
  const { experiment, control } = cases.large
  near(t, shiftScore(experiment, control, 0, 0), -1.229416, 1e-6)
  near(t, shiftScore(experiment, control, 5, 0), -35.80606, 1e-5)
  const { experiment: x, control: y } = cases.intermediate
  const z = 1.9599639845400536
  near(t, Math.min(...x) - Math.max(...y), -3.124999999999986)
  near(t, shiftScore(x, y, -3.124999999999986, z), 17.090968923762254, 1e-6)
  near(t, shiftScore(x, y, 5.555555555555557, z), -20.997687930433106, 1e-6)
  near(t, shiftScore(x, y, -3.124999999999986, -z), 21.01089689284236, 1e-6)
  near(t, shiftScore(x, y, 5.555555555555557, -z), -17.077759961353, 1e-6)
})

t.test('The interval of four values against four is Kayenta’s.', async (t) => {
  const shift = mannWhitneyShift([10, 20, 30, 40], [1, 2, 3, 4], 0.95)
  near(t, shift.lower, 6, 1e-6)
  near(t, shift.upper, 39, 1e-6)
  near(t, shift.estimate, 22.5, 1e-6)
})

t.test('Long series have Kayenta’s intervals to the last digits.', async (t) => {
  const expected = {
    large: [0.98, -1.4808028936386108e-5, 1.808255910873413e-5, 1.808255910873413e-5],
    r: [0.95, -0.500002521696696, -3.486287505871302e-5, -0.4999393907180323],
    rLarge: [0.98, -0.4999173250549087, -6.912685789769486e-6, -3.45044082729315e-5],
    intermediate: [0.95, 3.521755377702165e-5, 2.02456461662334e-5, 2.6279243045155653e-5],
  } as const
  for (const [name, [confidence, lower, upper, estimate]] of Object.entries(expected)) {
    const { experiment, control } = cases[name as keyof typeof cases]
    const shift = mannWhitneyShift(experiment, control, confidence)
    t.comment(name, shift.lower - lower, shift.upper - upper, shift.estimate - estimate)
    near(t, shift.lower, lower, 1e-12)
    near(t, shift.upper, upper, 1e-12)
    // Kayenta allows its own estimate 1e-4 beside that of R.
    near(t, shift.estimate, estimate, 1e-4)
  }
})

t.test(
  'A series is high or low where its interval lies beyond a quarter of the estimate.',
  async (t) => {
    const ten = Array.from({ length: 10 }, (_, i) => i)
    const above = (shift: number) => ten.map((value) => value + shift)
    t.equal(kayentaClass(above(20), ten), 'high')
    t.equal(kayentaClass(ten, above(20)), 'low')
    t.equal(kayentaClass(above(0.5), ten), 'pass')
    t.equal(kayentaClass([0, 0, 0], [0, 0]), 'pass')
  },
)
