import t from 'tap'
import { buildCoin, pickByDraw, pickByKey, score, unitHash } from '../../src/routing/rendezvous.ts'
import { xxh32 } from '../../src/routing/xxh32.ts'

const SALT = '1.4->2.0#1'

t.test('a coin holds the variants that have a weight, with their seeds', (t) => {
  // Seeds by python-xxhash: xxh32(b'credit-risk/canary/1.4->2.0#1', seed=0) and so on.
  const coin = buildCoin('credit-risk', { baseline: 9500, canary: 500, spare: 0 }, SALT)
  t.strictSame(coin, [
    { name: 'baseline', weightBp: 9500, seed: 0xb59a101b, reciprocal: 1 / 9500 },
    { name: 'canary', weightBp: 500, seed: 0xd54c1b48, reciprocal: 1 / 500 },
  ])
  t.end()
})

t.test('names beyond ASCII are hashed as UTF-8', (t) => {
  const [contender] = buildCoin('größe', { baseline: 10_000 }, 'größe')
  const [asBytes] = buildCoin('gr\u00c3\u00b6\u00c3\u009fe', { baseline: 10_000 }, 'gr')
  t.not(contender!.seed, asBytes!.seed)
  // python-xxhash: xxh32('größe/baseline/größe'.encode(), seed=0)
  t.equal(contender!.seed, 0x00b9b898)
  t.end()
})

t.test('the lowest score wins a key', (t) => {
  const coin = buildCoin('credit-risk', { baseline: 5000, canary: 3000, spare: 2000 }, SALT)
  const winners = new Set<string>()
  for (let index = 0; index < 100; index++) {
    const key = `user-${index}`
    const lowest = coin.toSorted((a, b) => score(a, key) - score(b, key))[0]!
    t.equal(pickByKey(coin, key), lowest.name)
    winners.add(lowest.name)
  }
  t.same([...winners].sort(), ['baseline', 'canary', 'spare'])
  t.end()
})

t.test('the first of equal scores wins', (t) => {
  const twins = ['first', 'second'].map((name) => ({ name, weightBp: 1, seed: 7, reciprocal: 1 }))
  for (const key of ['', 'a', 'user-1']) t.equal(pickByKey(twins, key), 'first')
  t.end()
})

t.test('another salt deals the keys anew', (t) => {
  const weightsBp = { baseline: 5000, canary: 5000 }
  const first = buildCoin('credit-risk', weightsBp, '1.4->2.0#1')
  const second = buildCoin('credit-risk', weightsBp, '1.4->2.0#2')
  const moved = Array.from({ length: 1000 }, (_, index) => `user-${index}`).filter(
    (key) => pickByKey(first, key) !== pickByKey(second, key),
  ).length
  t.ok(moved > 420 && moved < 580, `${moved} of 1000 keys moved`)
  t.end()
})

t.test('a draw lays the weights end to end', (t) => {
  const coin = buildCoin('credit-risk', { baseline: 9000, canary: 700, spare: 300 }, SALT)
  t.equal(pickByDraw(coin, 0), 'baseline')
  t.equal(pickByDraw(coin, 0.8999), 'baseline')
  t.equal(pickByDraw(coin, 0.9), 'canary')
  t.equal(pickByDraw(coin, 0.9699), 'canary')
  t.equal(pickByDraw(coin, 0.97), 'spare')
  t.equal(pickByDraw(coin, 1 - 2 ** -53), 'spare')
  t.equal(pickByDraw(buildCoin('s', { baseline: 0, canary: 1 }, SALT), 0), 'canary')
  t.end()
})

t.test('a unit is a 53-bit number that depends on the key alone', (t) => {
  // python-xxhash: (xxh32(k, seed=0x9e3779b1) >> 11) * 2**32 + xxh32(b'/' + k, seed=0x85ebca77)
  t.equal(unitHash('user-1'), 4065437378302129)
  t.equal(unitHash(''), 1925180459626166)
  t.equal(unitHash('zo\u00c3\u00ab'), 492783895330325)
  t.equal(unitHash('0f8fad5b-d9cb-469f-a165-70867728950e'), 8366325513965106)
  t.end()
})

t.test('the two halves of a unit do not collide together', (t) => {
  // Eight-byte keys that XXH32 cannot tell apart with either of the two seeds.
  for (const [one, other] of [
    ['ac1015gz', '36npsrlt'],
    ['ken09csl', '6x30hl6z'],
    ['eryjq3cw', '0s2hctft'],
  ] as const) {
    t.equal(xxh32(one, 0x9e3779b1), xxh32(other, 0x9e3779b1))
    t.equal(xxh32(one, 0x85ebca77), xxh32(other, 0x85ebca77))
    t.not(unitHash(one), unitHash(other))
  }
  t.end()
})
