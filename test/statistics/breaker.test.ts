import t from 'tap'
import { breakerTrips } from '../../src/statistics/breaker.ts'

const quiet = { attempts: 0, failures: 0 }
const base = { baseline: quiet, baselineLastRate: null, share: 0.5, warmUp: false }

t.test('The breaker trips at half of 50 attempts failed, and not below.', async (t) => {
  t.equal(breakerTrips({ ...base, canary: { attempts: 50, failures: 25 } }), true)
  t.equal(breakerTrips({ ...base, canary: { attempts: 50, failures: 24 } }), false)
  t.equal(breakerTrips({ ...base, canary: { attempts: 49, failures: 49 } }), false)
  t.equal(breakerTrips({ ...base, canary: quiet }), false)
})

t.test('In warm-up ten attempts suffice.', async (t) => {
  const warm = { ...base, warmUp: true }
  t.equal(breakerTrips({ ...warm, canary: { attempts: 10, failures: 5 } }), true)
  t.equal(breakerTrips({ ...warm, canary: { attempts: 9, failures: 9 } }), false)
})

t.test('The share of failures that trips is the configured one.', async (t) => {
  const canary = { attempts: 100, failures: 30 }
  t.equal(breakerTrips({ ...base, share: 0.3, canary }), true)
  t.equal(breakerTrips({ ...base, share: 0.31, canary }), false)
})

t.test('A shared outage trips nothing.', async (t) => {
  const canary = { attempts: 60, failures: 48 }
  t.equal(breakerTrips({ ...base, canary, baseline: { attempts: 900, failures: 700 } }), false)
  t.equal(breakerTrips({ ...base, canary, baseline: { attempts: 20, failures: 9 } }), false)
  t.equal(breakerTrips({ ...base, canary, baseline: { attempts: 20, failures: 8 } }), true)
})

t.test('A baseline without traffic is taken at its last known rate, or at 0.', async (t) => {
  const canary = { attempts: 60, failures: 48 }
  const few = { attempts: 19, failures: 19 }
  t.equal(breakerTrips({ ...base, canary, baseline: few }), true)
  t.equal(breakerTrips({ ...base, canary, baseline: few, baselineLastRate: 0.4 }), true)
  t.equal(breakerTrips({ ...base, canary, baseline: few, baselineLastRate: 0.41 }), false)
})

t.test('Ten failures in the last ten of many attempts do not trip it.', async (t) => {
  t.equal(breakerTrips({ ...base, canary: { attempts: 200, failures: 10 } }), false)
})
