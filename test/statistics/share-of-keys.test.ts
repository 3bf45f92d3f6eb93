import t from 'tap'
import { beta } from '../../bench/calibration/deviates.ts'
import { createStream, type Random } from '../../bench/calibration/random.ts'
import { addPlaces, type PlaceCount } from '../../src/domain/key-places.ts'
import { divergence } from '../../src/statistics/beyond-chance.ts'
import { independentTrials, logEvidenceAbove } from '../../src/statistics/share-of-keys.ts'
import { near } from './near.ts'

const USUAL = 0.05
/** The evidence of 1,000 : 1 that limits ask for. */
const NEEDED = Math.log(1000)

/** Places of so many trials and events each, and nothing beside them. */
function ofPlaces(...counts: readonly (readonly [trials: number, events: number])[]) {
  const byPlace = counts.map(([trials, events], place): PlaceCount => [place, trials, events])
  const sum = (at: 1 | 2) => byPlace.reduce((all, count) => all + count[at], 0)
  return { trials: sum(1), events: sum(2), byPlace }
}

function repeat(times: number, count: readonly [trials: number, events: number]) {
  return Array.from({ length: times }, () => count)
}

t.test('without keys it is the divergence of each trial', async (t) => {
  const share = { trials: 340, events: 34, byPlace: [] }
  near(t, logEvidenceAbove(share, USUAL), 340 * divergence(0.1, USUAL))
  near(t, independentTrials(share, USUAL), 340)
  t.equal(logEvidenceAbove({ ...share, events: 17 }, USUAL), 0, 'at the usual share')
  t.equal(independentTrials({ ...share, events: 17 }, USUAL), 340, 'at the usual share')
  t.equal(independentTrials(share, 0), 340, 'where there must be none')
  t.equal(logEvidenceAbove({ ...share, trials: 0, events: 0 }, USUAL), 0)
  t.equal(logEvidenceAbove(share, 0), Infinity, 'where there must be none')
  t.equal(logEvidenceAbove({ ...share, events: 341 }, USUAL), 340 * Math.log(20), 'rounding')
})

t.test('a place of one trial is a trial', async (t) => {
  const singles = ofPlaces(...repeat(34, [1, 1]), ...repeat(306, [1, 0]))
  near(t, logEvidenceAbove(singles, USUAL), 340 * divergence(0.1, USUAL), 1e-6)
  near(t, independentTrials(singles, USUAL), 340, 1e-3)
})

t.test('one key never speaks for all, however many requests it has', async (t) => {
  for (const trials of [100, 1e4, 1e8]) {
    for (const others of [trials / 200, 10 * trials]) {
      const share = ofPlaces([trials, trials], ...repeat(30, [others, 0]))
      // What a share of 5 % has of being 100 % in one draw.
      t.ok(logEvidenceAbove(share, USUAL) <= Math.log(1 / USUAL) + 1e-9, `${trials}, ${others}`)
    }
  }
})

t.test('with fewer than twelve keys each trial counts: they cannot be told apart', async (t) => {
  const bad = [100, 40] as const
  for (const keys of [1, 2, 11]) {
    const share = ofPlaces(bad, ...repeat(keys - 1, [100, 2]))
    near(t, independentTrials(share, USUAL), 100 * keys, 1e-6)
  }
  t.ok(independentTrials(ofPlaces(bad, ...repeat(11, [100, 2])), USUAL) < 100, 'twelve')
  const light = ofPlaces([1e6, 4e5], ...repeat(10, [100, 2]), [1, 0])
  near(t, independentTrials(light, USUAL), light.trials, 1e-3)
})

t.test('twelve that fail twice as often as they may are enough', async (t) => {
  t.ok(logEvidenceAbove(ofPlaces(...repeat(12, [100, 10])), USUAL) >= NEEDED)
})

t.test('keys that fail alike are a few more requests, however heavy one of them is', async (t) => {
  const uneven = ofPlaces([1000, 100], ...repeat(40, [25, 2.5]))
  t.ok(logEvidenceAbove(uneven, USUAL) >= NEEDED)
  const apart = ofPlaces([1000, 180], ...repeat(10, [25, 2]), ...repeat(30, [25, 0]))
  t.equal(logEvidenceAbove(apart, USUAL), 0, 'the heavy one alone')
})

t.test('one that fails for its own fault does not hide the others', async (t) => {
  const others = repeat(40, [25, 2.5])
  t.ok(logEvidenceAbove(ofPlaces([1000, 1000], ...others), USUAL) >= NEEDED)
})

t.test('requests without a key are each one of their own, beside those of keys', async (t) => {
  const share = { ...ofPlaces([300, 0]), trials: 1300, events: 120 }
  t.ok(logEvidenceAbove(share, USUAL) <= 1300 * divergence(120 / 1300, USUAL))
  t.ok(logEvidenceAbove(share, USUAL) >= NEEDED, 'they are not lost')
  // Weights that fade leave a little less than what is by place.
  const rounded = { ...ofPlaces([50, 30], [70, 30]), trials: 120 - 1e-12, events: 60 - 1e-12 }
  t.ok(logEvidenceAbove(rounded, USUAL) > 0)
})

t.test(
  'a request without a key weighs as much as a place with one, of few requests as of many',
  async (t) => {
    for (const keys of [14, 60]) {
      const placed = [[2, 1], ...repeat(keys, [1, 0])] as const
      const all = ofPlaces(...placed, ...repeat(5, [1, 1]), ...repeat(3, [1, 0]))
      const few = { ...ofPlaces(...placed), trials: all.trials, events: all.events }
      near(t, logEvidenceAbove(few, 0.2), logEvidenceAbove(all, 0.2), 1e-9)
    }
  },
)

t.test('it is never more than with each request for one of its own', async (t) => {
  // Light keys fail, which count for more than their requests.
  const share = ofPlaces([5000, 0], ...repeat(60, [50, 7]))
  near(t, logEvidenceAbove(share, USUAL), 8000 * divergence(420 / 8000, USUAL))
  near(t, independentTrials(share, USUAL), 8000, 1e-6)
})

/** The part of so many samples of keys whose evidence reaches what is needed. */
function partBeyond(
  name: string,
  samples: number,
  draw: (random: Random) => { readonly trials: number; readonly rate: number }[],
): number {
  const random = createStream(name)
  let beyond = 0
  for (let sample = 0; sample < samples; sample++) {
    const counts = new Map<number, [number, number]>()
    for (const { trials, rate } of draw(random)) {
      const place = Math.floor(random() * 64)
      const count = counts.get(place) ?? [0, 0]
      counts.set(place, count)
      count[0] += trials
      for (let n = 0; n < trials; n++) if (random() < rate) count[1]++
    }
    if (logEvidenceAbove(ofPlaces(...counts.values()), USUAL) >= NEEDED) beyond++
  }
  return beyond / samples
}

t.test('of samples at the limit hardly one is beyond chance, however keys differ', async (t) => {
  const zipf = (skew: number, icc: number) => (random: Random) =>
    Array.from({ length: 200 }, (_, key) => ({
      trials: Math.ceil(400 * (key + 1) ** -skew),
      rate: icc === 0 ? USUAL : beta(random, USUAL * (1 / icc - 1), (1 - USUAL) * (1 / icc - 1)),
    }))
  for (const skew of [0.5, 1, 1.5]) {
    for (const icc of [0, 0.1, 0.3]) {
      const part = partBeyond(`level ${skew} ${icc}`, 500, zipf(skew, icc))
      t.ok(part <= 0.004, `${part} with a skew of ${skew} and a correlation of ${icc}`)
    }
  }
})

t.test('what several processes have counted adds up by place', async (t) => {
  t.same(addPlaces([]), [])
  t.same(
    addPlaces([
      [[3, 10, 1]],
      [],
      [
        [3, 5, 2],
        [7, 1, 0],
      ],
    ]),
    [
      [3, 15, 3],
      [7, 1, 0],
    ],
  )
})
