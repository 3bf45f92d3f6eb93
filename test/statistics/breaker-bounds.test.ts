import t from 'tap'
import { AttemptWindow } from '../../src/metrics/attempt-window.ts'
import type { AttemptEnd } from '../../src/metrics/request-code.ts'
import {
  badOf,
  breakerTrips,
  fewestToFail,
  fewestToTrip,
  isBaselineFailing,
} from '../../src/statistics/breaker.ts'
import { fc } from '../support/fast-check.ts'

const START = 1_800_000_000_000

const few = fc.integer({ min: 0, max: 60 })
const counts = fc
  .record({ good: few, failures: few, clientErrors: few, left: few, running: few })
  .map(({ good, running, ...bad }) => {
    const attempts = good + bad.failures + bad.clientErrors + bad.left
    return { ...bad, attempts, begun: attempts + running }
  })
const share = fc.double({ min: 0.01, max: 1, noNaN: true })

t.test('With fewer bad attempts than they say neither of both can speak.', async (t) => {
  let [tripped, failing] = [0, 0]
  fc.assert(
    fc.property(counts, counts, share, fc.boolean(), (canary, baseline, share, warmUp) => {
      if (breakerTrips({ canary, baseline, baselineLast: null, share, warmUp })) {
        tripped += 1
        if (badOf(canary) < fewestToTrip(share, warmUp)) return false
      }
      if (isBaselineFailing({ last: baseline, together: () => ({ canary, baseline }), share })) {
        failing += 1
        if (badOf(baseline) < fewestToFail(share)) return false
      }
      return true
    }),
    { numRuns: 2000 },
  )
  t.ok(tripped > 50 && failing > 50, `${tripped} tripped, ${failing} failing`)
})

t.test('They are the fewest, for each share in percent.', async (t) => {
  const none = { attempts: 0, failures: 0, clientErrors: 0 }
  for (let percent = 1; percent <= 100; percent += 1) {
    const share = percent / 100
    const trips = (failures: number) => {
      const canary = { attempts: 50, failures, clientErrors: 0 }
      return breakerTrips({ canary, baseline: none, baselineLast: null, share, warmUp: false })
    }
    const first = Array.from({ length: 51 }, (_, n) => n).find(trips)
    t.equal(fewestToTrip(share, false), first, `${percent} %`)
  }
})

const end = fc.constantFrom<AttemptEnd>('good', 'good', 'good', 'failed', 'client_error', 'left')
const attempts = fc.array(fc.record({ afterMs: fc.integer({ min: 0, max: 4000 }), end }), {
  maxLength: 200,
})

t.test(
  'A span that ends later has no bad attempts but those of before and those since.',
  async (t) => {
    let grown = 0
    const least = fc.constantFrom(10, 20, 50)
    fc.assert(
      fc.property(attempts, attempts, least, (before, since, least) => {
        const window = new AttemptWindow()
        let now = START
        const add = (all: typeof before) => {
          for (const { afterMs, end } of all) {
            now += afterMs
            window.begun += 1
            window.add(now, end)
          }
          return badOf(window.covering(now, least, 10_000))
        }
        const known = add(before)
        const later = add(since)
        if (later > known) grown += 1
        return later <= known + since.filter((each) => each.end !== 'good').length
      }),
      { numRuns: 500 },
    )
    t.ok(grown > 50, `it had more in ${grown} of them`)
  },
)
