import t from 'tap'
import {
  bpToPercent,
  formatDuration,
  fractionToBp,
  parseDuration,
  parsePercent,
  parseSize,
} from '../../src/domain/units.ts'

t.test('durations are read in milliseconds, and nothing else is one', (t) => {
  t.equal(parseDuration('250ms'), 250)
  t.equal(parseDuration('1.5s'), 1500)
  t.equal(parseDuration('7d'), 604_800_000)
  t.equal(parseDuration('0'), 0)
  const forever = parseDuration('999999999d')!
  t.equal(forever, 1e15)
  t.doesNotThrow(
    () => new Date(Date.UTC(2100, 0) + 2 * forever).toISOString(),
    'a moment has a date',
  )
  for (const text of ['', '5', 's', '5 s', '-5s', '5constructor', '5KiB']) {
    t.equal(parseDuration(text), null, text)
  }
  t.end()
})

t.test('sizes are read in whole bytes, and nothing else is one', (t) => {
  t.equal(parseSize('64KiB'), 65_536)
  t.equal(parseSize('0.5B'), 1)
  t.equal(parseSize('0'), 0)
  t.equal(parseSize('64kb'), null)
  t.end()
})

t.test('percentages are read as fractions of 1', (t) => {
  t.equal(parsePercent('0.1%'), 0.001)
  t.equal(parsePercent('100%'), 1)
  t.equal(parsePercent('5'), null)
  t.end()
})

t.test('a duration is written in the largest unit that leaves a whole number', (t) => {
  t.equal(formatDuration(90_000), '90s')
  t.equal(formatDuration(86_400_000), '1d')
  t.equal(formatDuration(1500), '1500ms')
  t.equal(formatDuration(0), '0ms')
  t.equal(formatDuration(0.5), '0.5ms')
  t.end()
})

t.test('basis points are hundredths of a percent', (t) => {
  t.equal(bpToPercent(1234), 12.34)
  t.equal(fractionToBp(0.1234), 1234)
  t.end()
})
