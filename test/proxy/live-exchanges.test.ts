import t from 'tap'
import { LiveExchanges, type LiveExchange } from '../../src/proxy/live-exchanges.ts'

/** A clock that stands still until it is told. */
function standingClock() {
  const clock = { ms: 0, now: () => clock.ms, monotonic: () => clock.ms }
  return clock
}

function exchange(onDeadline: (self: LiveExchange) => void, dueAt = Infinity) {
  const self = {
    place: -1,
    kind: 'other' as const,
    dueAt,
    onDeadline: () => onDeadline(self),
    res: null,
    fail: () => {},
  }
  return self
}

t.test('a deadline is noticed after it has passed, and never before', async (t) => {
  const clock = standingClock()
  const exchanges = new LiveExchanges(clock)
  const fired: number[] = []
  const one = exchange(() => fired.push(clock.ms))
  exchanges.add(one, 0)
  one.dueAt = exchanges.deadlineAfter(100)
  for (clock.ms = 0; clock.ms <= 200 && fired.length === 0; clock.ms++) exchanges.tick()
  t.ok(fired[0]! >= 100 && fired[0]! <= 140, `${fired[0]} ms`)
  exchanges.remove(one)
  exchanges.tick()
})

t.test('a deadline that moves is met where it is then', async (t) => {
  const clock = standingClock()
  const exchanges = new LiveExchanges(clock)
  let count = 0
  const one = exchange(() => count++)
  exchanges.add(one, 0)
  const passUntil = (ms: number) => {
    while (clock.ms < ms) {
      clock.ms += 10
      exchanges.tick()
    }
  }
  one.dueAt = exchanges.deadlineAfter(100)
  passUntil(90)
  one.dueAt = exchanges.deadlineAfter(100)
  passUntil(180)
  t.equal(count, 0)
  passUntil(220)
  t.equal(count, 2, 'once a tick, until it moves')
  exchanges.remove(one)
  exchanges.tick()
})

t.test('time in which the process was held up is not held against anybody', async (t) => {
  const clock = standingClock()
  const exchanges = new LiveExchanges(clock)
  let fired = -1
  const one = exchange(() => (fired = clock.ms))
  exchanges.add(one, 0)
  one.dueAt = exchanges.deadlineAfter(100)
  clock.ms = 5000
  exchanges.tick()
  t.equal(exchanges.now, 5000, 'the time itself is what it is')
  t.equal(fired, -1)
  while (fired === -1) {
    clock.ms += 20
    exchanges.tick()
  }
  t.ok(fired >= 5080 && fired <= 5140, `${fired} ms`)
  exchanges.remove(one)
  exchanges.tick()
})

t.test('exchanges may end, and begin, while deadlines are looked at', async (t) => {
  const clock = standingClock()
  const exchanges = new LiveExchanges(clock)
  const ended: number[] = []
  const all = [0, 1, 2, 3].map((n) =>
    exchange((self) => {
      ended.push(n)
      exchanges.remove(self)
      // The one before it goes too.
      if (n === 2) exchanges.remove(all[1]!)
    }, 10),
  )
  for (const each of all) exchanges.add(each, 0)
  clock.ms = 10
  exchanges.tick()
  t.equal(exchanges.count, 0)
  t.same(
    ended.toSorted((a, b) => a - b),
    [0, 2, 3],
  )
})

t.test('the timer that looks ends with the last exchange, and begins with the next', async (t) => {
  const clock = { now: () => Date.now(), monotonic: () => performance.now() }
  const exchanges = new LiveExchanges(clock)
  for (const round of [1, 2]) {
    await new Promise<void>((resolve) => {
      const one = exchange((self) => {
        exchanges.remove(self)
        resolve()
      })
      exchanges.add(one, clock.monotonic())
      one.dueAt = exchanges.deadlineAfter(5)
    })
    t.equal(exchanges.count, 0, `round ${round}`)
    exchanges.tick()
  }
})
