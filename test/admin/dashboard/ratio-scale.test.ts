import fc from 'fast-check'
import t from 'tap'
import { scaleOfRatio } from '../../../src/admin/dashboard/charts/ratio-scale.ts'

const between = (min: number, max: number) => fc.double({ min, max, noNaN: true })

t.test('the line, the newest interval and the margin lie within the scale', async () => {
  const moment = fc.tuple(between(0, 30), between(0, 1), between(1, 50))
  const cases = fc.record({ moments: fc.array(moment, { minLength: 1 }), margin: between(0.5, 2) })
  fc.assert(
    fc.property(cases, ({ moments, margin }) => {
      const estimates = moments.map(([estimate]) => estimate)
      const lower = moments.map(([estimate, less]) => estimate * less)
      const upper = moments.map(([estimate, , more]) => estimate * more)
      const [low, high] = scaleOfRatio({ estimates, lower, upper, margin })
      const shown = [1, margin, ...estimates, lower.at(-1)!, Math.min(4, upper.at(-1)!)]
      return low >= 0 && shown.every((value) => low <= value && value <= high)
    }),
  )
})

t.test('a canary that is a fifth worse is seen with its interval', async (t) => {
  const [low, high] = scaleOfRatio({
    estimates: [0.87, 1.19, 1.217],
    lower: [0.3, 0.9, 1.096],
    upper: [6, 1.6, 1.351],
    margin: 1.05,
  })
  t.ok(high > 1.351 && high < 1.4, 'and no further: what was wider before goes beyond it')
  t.equal(low, 1 / high)
})

t.test('before anything is known the margin alone gives the scale', async (t) => {
  const nothing = { estimates: [null], lower: [null], upper: [null] }
  const [low, high] = scaleOfRatio({ ...nothing, margin: 0.95 })
  t.ok(low < 0.95 && high > 1.05 && high < 1.2)
  const [least, most] = scaleOfRatio({ ...nothing, margin: 1.5 })
  t.equal(least, 1 / most)
})

t.test('a ratio far from 1 has the scale that it needs, from 0 on', async (t) => {
  const [low, high] = scaleOfRatio({
    estimates: [0, 3],
    lower: [0, 1.2],
    upper: [Infinity, Infinity],
    margin: 1.5,
  })
  t.equal(low, 0)
  t.ok(high > 4 && high < 4.5)
})
