import t from 'tap'
import { createSteadyClock } from '../src/steady-clock.ts'

/** A steady clock over two that a test moves. */
function build() {
  const times = { wall: 1e12, monotonic: 500 }
  const steady = createSteadyClock({ now: () => times.wall, monotonic: () => times.monotonic })
  const pass = (ms: number) => {
    times.wall += ms
    times.monotonic += ms
    return steady.now()
  }
  return { times, steady, pass }
}

t.test('it says what the clock says, and follows one that is set forward at once', async (t) => {
  const { times, steady, pass } = build()
  t.equal(steady.now(), 1e12)
  t.equal(pass(250), 1e12 + 250)
  times.wall += 3_600_000
  t.equal(steady.now(), 1e12 + 3_600_250)
  t.equal(steady.monotonic(), 750)
})

t.test('of one that is set back it goes on at half its pace until it is caught up', async (t) => {
  const { times, steady, pass } = build()
  t.equal(steady.now(), 1e12)
  times.wall -= 600_000
  t.equal(steady.now(), 1e12)
  t.equal(pass(1001), 1e12 + 500, 'whole milliseconds')
  t.equal(pass(1_198_999), 1e12 + 600_000)
  t.equal(times.wall, 1e12 + 600_000, 'ten minutes are caught up in twenty')
  t.equal(pass(100), 1e12 + 600_100)
  t.equal(pass(100), 1e12 + 600_200)
})

t.test('set back again, or forward, meanwhile', async (t) => {
  const { times, steady, pass } = build()
  steady.now()
  times.wall -= 1000
  t.equal(steady.now(), 1e12)
  t.equal(pass(100), 1e12 + 50)
  times.wall -= 1000
  t.equal(pass(100), 1e12 + 100)
  times.wall += 5000
  t.equal(steady.now(), 1e12 + 3200)
  t.equal(pass(10), 1e12 + 3210)
})
