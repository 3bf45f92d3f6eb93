import t from 'tap'
import { RecentPace } from '../../src/rollout/recent-pace.ts'

/** Looks every two seconds from `from` to `to`, in seconds, at traffic of so many units a second. */
function flow(pace: RecentPace, from: number, to: number, perSecond: number, before = 0): number {
  let units = before
  for (let at = from + 2; at <= to; at += 2) pace.note(at * 1000, (units += 2 * perSecond))
  return units
}

t.test('nothing is known before there has been traffic for ten seconds', async (t) => {
  const pace = new RecentPace()
  t.equal(pace.perSecond, null)
  pace.note(0, 500)
  t.equal(pace.perSecond, null, 'units of before')
  const units = flow(pace, 0, 40, 0, 500)
  t.equal(pace.perSecond, null, 'a warm-up')
  const first = flow(pace, 40, 50, 30, units)
  t.equal(pace.perSecond, null)
  pace.note(52_000, first + 60)
  t.equal(pace.perSecond, 30, 'the warm-up is no part of it')
})

t.test('it is that of the last five minutes', async (t) => {
  const pace = new RecentPace()
  pace.note(0, 0)
  const units = flow(pace, 0, 3600, 10)
  t.equal(pace.perSecond, 10)
  flow(pace, 3600, 3910, 100, units)
  t.equal(pace.perSecond, 100)
})

t.test('hours without traffic are no part of it, and short gaps are', async (t) => {
  const pace = new RecentPace()
  pace.note(0, 0)
  let units = flow(pace, 0, 100, 10)
  units = flow(pace, 100, 10_000, 0, units)
  t.equal(pace.perSecond, 10, 'what it was')
  units = flow(pace, 10_000, 10_010, 50, units)
  t.equal(pace.perSecond, 10, 'until another one is known')
  units = flow(pace, 10_010, 10_020, 50, units)
  t.equal(pace.perSecond, 50)
  units = flow(pace, 10_020, 10_040, 0, units)
  flow(pace, 10_040, 10_060, 50, units)
  t.ok(Math.abs(pace.perSecond! - 1900 / 58) < 1e-9)
})

t.test('units that come by the cohort have the pace of their time', async (t) => {
  const pace = new RecentPace()
  for (let at = 0; at <= 100; at += 0.25) pace.note(at * 1000, Math.floor(at / 20) * 200)
  t.equal(pace.perSecond, 10)
})

t.test('what is counted anew has a pace of its own', async (t) => {
  const pace = new RecentPace()
  pace.note(0, 0)
  flow(pace, 0, 100, 10)
  pace.note(100_000, 0)
  t.equal(pace.perSecond, null)
  flow(pace, 100, 120, 50)
  t.equal(pace.perSecond, 50)
})
