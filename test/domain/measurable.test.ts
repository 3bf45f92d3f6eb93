import t from 'tap'
import { isMeasurable, MOST_MEASURED } from '../../src/domain/measurable.ts'

t.test('what is measured has finite squares of squares, by the billion', (t) => {
  for (const value of [0, -1.5, 1e9, MOST_MEASURED, -MOST_MEASURED]) t.ok(isMeasurable(value))
  for (const value of [1.01e50, -1e300, Infinity, -Infinity, NaN]) t.notOk(isMeasurable(value))
  t.ok(Number.isFinite(1e12 * MOST_MEASURED ** 4))
  t.end()
})
