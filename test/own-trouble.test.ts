import t from 'tap'
import { createOwnTrouble } from '../src/own-trouble.ts'
import { createSteadyClock } from '../src/steady-clock.ts'

/** On clocks that a test moves, with what it has logged and counted. */
function build(certificate: { readonly describe: () => string | null } | null = null) {
  const times = { wall: 1e12, monotonic: 500 }
  const clock = { now: () => times.wall, monotonic: () => times.monotonic }
  const steady = createSteadyClock(clock)
  const logged: unknown[] = []
  let counted = 0
  let look: (() => void) | null = null
  const log = { warn: (fields: unknown, message: string) => logged.push([message, fields]) }
  const trouble = createOwnTrouble({ clock, steady, log: log as never, certificate }, (run) => {
    look = run
    return () => (look = null)
  })
  const counters = { countDropped: () => counted++, countOther: () => 'other' }
  const pass = (ms: number) => {
    times.wall += ms
    times.monotonic += ms
    steady.now()
    look?.()
  }
  steady.now()
  return {
    ...{ times, trouble, logged, pass },
    counting: trouble.counting(counters as never) as typeof counters,
    counted: () => counted,
    isLooking: () => look !== null,
  }
}

t.test('where nothing is wrong nothing is said', (t) => {
  const { trouble, pass, logged, isLooking } = build({ describe: () => null })
  pass(1000)
  t.same([trouble.describe(), logged], [[], []])
  t.ok(isLooking())
  trouble.close()
  t.notOk(isLooking())
  t.end()
})

t.test('a certificate that clients refuse is told of', (t) => {
  t.same(build({ describe: () => 'it has expired' }).trouble.describe(), ['it has expired'])
  t.end()
})

t.test('connections that are closed at once are told of until none was for ten seconds', (t) => {
  const { trouble, counting, counted, pass } = build()
  counting.countDropped()
  pass(9000)
  counting.countDropped()
  t.equal(counted(), 2, 'the metric has them, too')
  t.equal(counting.countOther(), 'other')
  const told = /^connections of clients are closed at once \(2 so far\): too many are open/
  t.match(trouble.describe(), [told])
  pass(9999)
  t.match(trouble.describe(), [told])
  pass(1)
  t.same(trouble.describe(), [])
  counting.countDropped()
  t.match(trouble.describe(), [/\(1 so far\)/], 'another time')
  t.end()
})

t.test('a clock that was set back is told of until it has caught up, and logged once', (t) => {
  const { trouble, times, pass, logged } = build()
  times.wall -= 7_200_000
  pass(1000)
  t.match(trouble.describe(), [
    /^the clock of this machine was set back: times of serin are 1h 59m ahead of it, and intervals/,
  ])
  pass(1000)
  t.same(logged, [['the clock of this machine was set back', { seconds: 7200 }]])
  pass(14_400_000)
  t.same(trouble.describe(), [])
  t.equal(logged.length, 1)
  t.end()
})

t.test('a clock that was set forward is logged, and one that is put right is not', (t) => {
  const { trouble, times, pass, logged } = build()
  times.wall += 4999
  pass(1000)
  times.wall -= 4999
  pass(1000)
  t.same(logged, [])
  times.wall += 5000
  pass(1000)
  t.same(logged, [
    ['the clock of this machine was set forward, or the machine slept', { seconds: 5 }],
  ])
  t.same(trouble.describe(), [], 'it is followed')
  t.end()
})
