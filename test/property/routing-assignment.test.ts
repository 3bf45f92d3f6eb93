import { fc } from '../support/fast-check.ts'
import t from 'tap'
import { assign } from '../../src/routing/assign.ts'
import { buildCoin, pickByDraw, pickByKey, type Coin } from '../../src/routing/rendezvous.ts'
import { buildSplit, type Split } from '../../src/routing/split.ts'
import { buildFields } from '../routing/build-fields.ts'
import { buildService } from '../routing/build-service.ts'

const SEED = 20_260_101
const RUNS = { seed: SEED, numRuns: 300 }
const NAMES = ['baseline', 'canary', 'b', 'c', 'd', 'e']

/** Keys as callers make them. */
const KEY_KINDS: Readonly<Record<string, (index: number) => string>> = {
  'user-N': (index) => `user-${index}`,
  'four digits': (index) => String(index).padStart(4, '0'),
  'long identifiers': (index) => `tenant-0042/customer/${index.toString(16).padStart(12, '0')}`,
}

const weightsArbitrary = fc
  .array(fc.nat({ max: 10_000 }), { minLength: 2, maxLength: NAMES.length })
  .filter((weights) => weights.some((weight) => weight > 0))
const saltArbitrary = fc.string({ maxLength: 12 })
const keyArbitrary = fc.string({ unit: 'binary-ascii', maxLength: 40 })

t.test(
  '100,000 requests of 10,000 keys land within binomial bounds, each key on one variant',
  (t) => {
    const service = buildService({ split: { key: { from: 'header', name: 'k' } } })
    const split = buildSplit(service, { canary: 1000 }, '1.4->2.0#1')
    const variantOf = new Map<string, string>()
    let strays = 0
    for (let request = 0; request < 100_000; request++) {
      const key = `user-${request % 10_000}`
      const { variant } = assign(split, buildFields({ headers: { k: key } }), () => 0)
      if ((variantOf.get(key) ?? variant) !== variant) strays++
      variantOf.set(key, variant)
    }
    t.equal(strays, 0)
    const canaryKeys = [...variantOf.values()].filter((variant) => variant === 'canary').length
    t.ok(Math.abs(zScore(canaryKeys, 10_000, 0.1)) < 4, `${canaryKeys} of 10,000 keys`)
    t.end()
  },
)

t.test('shares follow the weights for every kind of key, over many salts', (t) => {
  const keys = 4000
  for (const [kind, keyOf] of Object.entries(KEY_KINDS)) {
    for (const [share, weightsBp] of [
      [0.05, { baseline: 9500, canary: 500 }],
      [0.5, { baseline: 5000, canary: 5000 }],
      [0.2, { baseline: 5000, b: 3000, canary: 2000 }],
    ] as const) {
      const scores = Array.from({ length: 60 }, (_, attempt) => {
        const coin = buildCoin('credit-risk', weightsBp, `1.4->2.0#${attempt + 1}`)
        let hits = 0
        for (let index = 0; index < keys; index++) {
          if (pickByKey(coin, keyOf(index)) === 'canary') hits++
        }
        return zScore(hits, keys, share)
      })
      // 60 squared normal scores: their mean is 1 with a standard deviation of 0.18.
      const meanSquare = scores.reduce((sum, z) => sum + z * z, 0) / scores.length
      t.ok(meanSquare < 1.75, `${kind} at ${share}: mean square ${meanSquare.toFixed(2)}`)
      t.ok(Math.max(...scores.map(Math.abs)) < 4.5, `${kind} at ${share}: no outlier`)
    }
  }
  t.end()
})

t.test('draws land within binomial bounds', (t) => {
  const coin = buildCoin('s', { baseline: 7000, canary: 2500, b: 500 }, 's')
  const draws = 50_000
  const hits = new Map<string, number>()
  const random = lehmer(SEED)
  for (let index = 0; index < draws; index++) {
    const name = pickByDraw(coin, random())
    hits.set(name, (hits.get(name) ?? 0) + 1)
  }
  for (const [name, share] of [
    ['baseline', 0.7],
    ['canary', 0.25],
    ['b', 0.05],
  ] as const) {
    t.ok(Math.abs(zScore(hits.get(name)!, draws, share)) < 4, `${name}: ${hits.get(name)}`)
  }
  t.end()
})

t.test('raising one weight moves keys only to that variant, however many there are', (t) => {
  fc.assert(
    fc.property(
      weightsArbitrary,
      fc.nat({ max: NAMES.length - 1 }),
      fc.integer({ min: 1, max: 5000 }),
      saltArbitrary,
      fc.array(keyArbitrary, { minLength: 20, maxLength: 60 }),
      (weights, choice, rise, salt, keys) => {
        const raised = choice % weights.length
        const before = coinOf(weights, salt)
        const after = coinOf(weights.with(raised, weights[raised]! + rise), salt)
        return keys.every((key) => {
          const [from, to] = [pickByKey(before, key), pickByKey(after, key)]
          return from === to || to === NAMES[raised]
        })
      },
    ),
    RUNS,
  )
  t.end()
})

t.test('a canary that rises keeps its keys, and the baseline that pays gets none', (t) => {
  fc.assert(
    fc.property(
      fc.nat({ max: 5000 }),
      fc.nat({ max: 2500 }),
      fc.nat({ max: 2500 }),
      fc.array(keyArbitrary, { minLength: 20, maxLength: 60 }),
      (spareBp, canaryBp, riseBp, keys) => {
        const before = splitOf(spareBp, canaryBp)
        const after = splitOf(spareBp, canaryBp + riseBp)
        return keys.every((key) => {
          const [from, to] = [pickByKey(before.toss.coin, key), pickByKey(after.toss.coin, key)]
          if (spareBp === 0) return from === to || to === 'canary'
          return from === to || (from !== 'canary' && to !== 'baseline')
        })
      },
    ),
    RUNS,
  )
  t.end()
})

t.test('a variant of weight 0 gets neither keys nor draws', (t) => {
  fc.assert(
    fc.property(
      weightsArbitrary,
      saltArbitrary,
      keyArbitrary,
      fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
      (weights, salt, key, point) => {
        const coin = coinOf(weights, salt)
        const weightOf = (name: string) => weights[NAMES.indexOf(name)]!
        return weightOf(pickByKey(coin, key)) > 0 && weightOf(pickByDraw(coin, point)) > 0
      },
    ),
    RUNS,
  )
  t.end()
})

t.test('the same split, built twice, assigns alike, whatever is drawn', (t) => {
  fc.assert(
    fc.property(fc.nat({ max: 10_000 }), saltArbitrary, keyArbitrary, (canaryBp, salt, key) => {
      const service = buildService({ split: { key: { from: 'header', name: 'k' } } })
      const fields = buildFields({ headers: { k: `k${key}` } })
      const one = assign(buildSplit(service, { canary: canaryBp }, salt), fields, () => 0)
      const other = assign(buildSplit(service, { canary: canaryBp }, salt), fields, () => 0.9999)
      return one.variant === other.variant && one.unit === other.unit && one.reason === 'key'
    }),
    RUNS,
  )
  t.end()
})

function coinOf(weights: readonly number[], salt: string): Coin {
  const entries = weights.map((weight, index) => [NAMES[index]!, weight] as const)
  return buildCoin('credit-risk', Object.fromEntries(entries), salt)
}

function splitOf(spareBp: number, canaryBp: number): Split {
  const service = buildService({ variants: ['baseline', 'canary', 'spare'] })
  return buildSplit(service, { canary: canaryBp, spare: spareBp }, '1.4->2.0#1')
}

/** Standard deviations between a count and what a binomial distribution expects. */
function zScore(hits: number, trials: number, share: number): number {
  return (hits - trials * share) / Math.sqrt(trials * share * (1 - share))
}

/** Park & Miller's minimal standard generator: numbers in (0, 1) that a seed repeats. */
function lehmer(seed: number): () => number {
  let state = seed
  return () => {
    state = (state * 48_271) % 2_147_483_647
    return state / 2_147_483_647
  }
}

t.test('steps, a watch with a holdback and its end move keys to the canary alone', (t) => {
  const risingArbitrary = fc
    .uniqueArray(fc.integer({ min: 1, max: 9998 }), { minLength: 1, maxLength: 5 })
    .map((weights) => weights.toSorted((a, b) => a - b))
  fc.assert(
    fc.property(
      risingArbitrary,
      fc.nat({ max: 9999 }),
      fc.array(keyArbitrary, { minLength: 1, maxLength: 50 }),
      saltArbitrary,
      (steps, place, keys, salt) => {
        const last = steps.at(-1)!
        // Anywhere between the last step and 100 %.
        const watch = last + 1 + Math.floor(((9999 - last) * place) / 10_000)
        const coins = [...steps, watch, 10_000].map((canary) =>
          buildCoin('svc', { baseline: 10_000 - canary, canary }, salt),
        )
        return keys.every((key) => {
          const variants = coins.map((coin) => pickByKey(coin, key))
          const first = variants.indexOf('canary')
          return first >= 0 && variants.slice(first).every((variant) => variant === 'canary')
        })
      },
    ),
    RUNS,
  )
  t.end()
})
