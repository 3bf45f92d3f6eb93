import t from 'tap'
import {
  formatCount,
  formatNumber,
  formatOdds,
  formatOddsSoFar,
  formatPercent,
  formatWeight,
  formatRate,
  formatReplicas,
  formatTimeSpan,
  formatChange,
  formatKind,
  formatLimit,
  formatValue,
} from '../../src/rollout/format.ts'

t.test('a time span has its two largest units', (t) => {
  const spans = [-1, 0, 1, 90_000, 3_574_200, 3_600_000, 3_605_000, 100_000_000]
  t.same(spans.map(formatTimeSpan), ['0s', '0s', '1s', '1m 30s', '59m 35s', '1h', '1h', '1d 3h'])
  t.end()
})

t.test('numbers have three significant digits, thousands their commas', (t) => {
  t.same([0, 0.012345, 3.1, 12.345, 999.6, 1000, 1234567.8].map(formatNumber), [
    '0',
    '0.0123',
    '3.1',
    '12.3',
    '1000',
    '1,000',
    '1,234,568',
  ])
  t.same([Infinity, NaN].map(formatNumber), ['Infinity', 'NaN'])
  t.same([0, 999, 1000, 1234567].map(formatCount), ['0', '999', '1,000', '1,234,567'])
  t.equal(formatPercent(0.0345), '3.45 %')
  t.same(
    [0.995, 0.9995, 0.99962345, 1 - 1e-9, 1, 1.0004].map(formatPercent),
    ['99.5 %', '99.95 %', '99.962 %', '99.9999999 %', '100 %', '100 %'],
    'nearly all is not all',
  )
  t.same([0, 0.01, 12.25, 99.95].map(formatWeight), ['0 %', '0.01 %', '12.25 %', '99.95 %'])
  t.equal(formatRate(1, false), '1 request per second')
  t.equal(formatRate(0.5, true), '0.5 new keys per second')
  t.end()
})

t.test('a value has the unit of its kind, and no data is said', (t) => {
  t.equal(formatValue('rmse', 3.14159), '3.14')
  t.equal(formatValue('latency', 12), '12 ms')
  t.equal(formatValue('error-rate', 0.01), '1 %')
  t.equal(formatValue('rmse', null), 'no data')
  t.end()
})

t.test('evidence is written as odds, beyond a million as a power of ten', (t) => {
  t.equal(formatOdds(0), '1 : 1')
  t.equal(formatOdds(Math.log(2.5)), '2.5 : 1')
  t.equal(formatOdds(Math.log(60)), '60 : 1')
  t.equal(formatOdds(Math.log(12_345)), '12,345 : 1')
  t.equal(formatOdds(100), '10^43 : 1')
  t.equal(formatOdds(Math.log(0.25)), '0.25 : 1')
  t.equal(formatOddsSoFar(2.98, Math.log(20)), 'nearly 20 : 1')
  t.equal(formatOddsSoFar(Math.log(20), Math.log(20)), '20 : 1')
  t.equal(formatOddsSoFar(1, Math.log(20)), '2.72 : 1')
  t.end()
})

t.test('a limit is the most, the least, or both', (t) => {
  t.equal(formatLimit('latency', { max: 500, min: null }), '500 ms')
  t.equal(formatKind({ kind: 'latency', until: null }), 'latency')
  t.equal(formatKind({ kind: 'latency', until: 'first-byte' }), 'latency until the first byte')
  t.equal(formatLimit('accuracy', { max: null, min: 0.9 }), 'at least 90 %')
  t.equal(formatLimit('mae', { max: 5, min: 2 }), 'at least 2, at most 5')
  t.end()
})

t.test('a change for the worse is a rise, or a fall where higher is better', (t) => {
  t.equal(formatChange('lower', 0.05), 'a rise above 5 %')
  t.equal(formatChange('higher', 0.1), 'a fall above 10 %')
  t.end()
})

t.test('whose requests are evidence is said where there is anybody else', (t) => {
  t.equal(formatReplicas(null), null)
  t.equal(formatReplicas({ contributing: 1, differing: [] }), null)
  t.equal(formatReplicas({ contributing: 3, differing: [] }), 'from the requests of 3 processes')
  t.equal(
    formatReplicas({ contributing: 1, differing: ['a:1', 'b:2'] }),
    'from the requests of 1 of 3 processes; another configuration runs on a:1, b:2',
  )
  t.end()
})
