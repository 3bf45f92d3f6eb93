import t from 'tap'
import {
  addMoment,
  momentOf,
  readHistory,
  spanAt,
  type Moment,
} from '../../../src/admin/dashboard/live/moments.ts'
import { presentHistory } from '../../../src/admin/present-history.ts'
import { presentService } from '../../../src/admin/present.ts'
import { RolloutHistory } from '../../../src/metrics/rollout-history.ts'
import { fakeMetric, fakeState, fakeStatus, NOW } from '../fake-deps.ts'

t.test('a moment of the past and one of the present are of one kind', (t) => {
  const history = new RolloutHistory()
  history.note(fakeState(), [fakeMetric()], new Map(), NOW)
  const [past] = readHistory(
    presentHistory('credit-risk', history.read('credit-risk', '1.4->2.0#1')),
  )
  const present = momentOf(presentService(fakeStatus()), NOW)
  t.equal(past!.at, present.at)
  const rounded = (moment: Moment) =>
    Object.entries(moment.metrics['rmse']!).map(([name, value]) => `${name} ${value?.toFixed(4)}`)
  t.same(rounded(past!), rounded(present))
  t.match(present.traffic['canary'], { requests: 1204, errors: 3, p95Ms: 14 })
  t.end()
})

t.test(
  'moments are kept in order, and thinned where they are many: the newest and the oldest stay',
  (t) => {
    let moments: readonly Moment[] = []
    for (let at = 1; at <= 5000; at++)
      moments = addMoment(moments, { at, traffic: {}, metrics: {} })
    t.ok(moments.length <= 600 && moments.length > 300, String(moments.length))
    t.same([moments[0]!.at, moments.at(-1)!.at], [1, 5000])
    t.ok(moments.every(({ at }, i) => i === 0 || at > moments[i - 1]!.at))
    t.equal(
      addMoment(moments, { at: 4999, traffic: {}, metrics: {} }),
      moments,
      'what is old is no news',
    )
    t.end()
  },
)

t.test('a rate is taken over so many moments, at the beginning over the first of them', (t) => {
  const moments = [0, 1, 2, 3, 4].map((at): Moment => ({ at, traffic: {}, metrics: {} }))
  const spans = (all: readonly Moment[], over: number) =>
    all.map((_, i) => spanAt(all, i, over).map(({ at }) => at))
  t.same(spans(moments, 2), [
    [0, 2],
    [0, 2],
    [0, 2],
    [1, 3],
    [2, 4],
  ])
  t.same(
    spans(moments.slice(0, 2), 12),
    [
      [0, 1],
      [0, 1],
    ],
    'two are enough',
  )
  t.same(spans(moments.slice(0, 2), 0), [
    [0, 0],
    [1, 1],
  ])
  t.end()
})
