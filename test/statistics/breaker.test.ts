import t from 'tap'
import { breakerTrips, isBaselineFailing, type AttemptCount } from '../../src/statistics/breaker.ts'

const quiet = { attempts: 0, failures: 0, clientErrors: 0 }
const base = { baseline: quiet, baselineLast: null, share: 0.5, warmUp: false }

t.test('The breaker trips at half of 50 attempts failed, and not below.', async (t) => {
  t.equal(breakerTrips({ ...base, canary: { attempts: 50, failures: 25, clientErrors: 0 } }), true)
  t.equal(breakerTrips({ ...base, canary: { attempts: 50, failures: 24, clientErrors: 0 } }), false)
  t.equal(breakerTrips({ ...base, canary: { attempts: 49, failures: 49, clientErrors: 0 } }), false)
  t.equal(breakerTrips({ ...base, canary: quiet }), false)
})

t.test('Attempts that are under way are none that failed.', async (t) => {
  const failed = { attempts: 50, failures: 50, clientErrors: 0 }
  t.equal(breakerTrips({ ...base, canary: { ...failed, begun: 100 } }), true)
  t.equal(breakerTrips({ ...base, canary: { ...failed, begun: 101 } }), false)
  t.equal(breakerTrips({ ...base, canary: { ...failed, begun: 10 } }), true, 'of a busier time')
  const refused = { attempts: 50, failures: 0, clientErrors: 50 }
  t.equal(breakerTrips({ ...base, canary: { ...refused, begun: 101 } }), false)
  const baseline = { attempts: 50, failures: 50, clientErrors: 0, begun: 1000 }
  t.equal(breakerTrips({ ...base, canary: failed, baseline }), true, 'nor of the baseline')
})

t.test('In warm-up ten attempts suffice.', async (t) => {
  const warm = { ...base, warmUp: true }
  t.equal(breakerTrips({ ...warm, canary: { attempts: 10, failures: 5, clientErrors: 0 } }), true)
  t.equal(breakerTrips({ ...warm, canary: { attempts: 9, failures: 9, clientErrors: 0 } }), false)
})

t.test('In warm-up ten attempts fail as often by chance where many do anyway.', async (t) => {
  const trips = (failures: number, ofBaseline: number, attempts = 10) =>
    breakerTrips({
      ...base,
      warmUp: true,
      canary: { attempts, failures: 0, clientErrors: failures },
      baseline: { attempts: 200, failures: 0, clientErrors: ofBaseline },
    })
  t.equal(trips(6, 60), false)
  t.equal(trips(10, 60), true)
  t.equal(trips(5, 2), true)
  t.equal(trips(25, 50, 49), true)
  const few = { attempts: 3, failures: 0, clientErrors: 0 }
  const ofFew = { ...base, warmUp: true, baseline: few }
  t.equal(breakerTrips({ ...ofFew, canary: { attempts: 10, failures: 5, clientErrors: 0 } }), false)
  t.equal(breakerTrips({ ...ofFew, canary: { attempts: 10, failures: 9, clientErrors: 0 } }), true)
})

t.test('The share of failures that trips is the configured one.', async (t) => {
  const canary = { attempts: 100, failures: 30, clientErrors: 0 }
  t.equal(breakerTrips({ ...base, share: 0.3, canary }), true)
  t.equal(breakerTrips({ ...base, share: 0.31, canary }), false)
})

t.test('A shared outage trips nothing.', async (t) => {
  const canary = { attempts: 60, failures: 48, clientErrors: 0 }
  t.equal(
    breakerTrips({ ...base, canary, baseline: { attempts: 900, failures: 700, clientErrors: 0 } }),
    false,
  )
  t.equal(
    breakerTrips({ ...base, canary, baseline: { attempts: 20, failures: 9, clientErrors: 0 } }),
    false,
  )
  t.equal(
    breakerTrips({ ...base, canary, baseline: { attempts: 20, failures: 8, clientErrors: 0 } }),
    true,
  )
})

t.test('A baseline without traffic is taken at its last known rate, or at 0.', async (t) => {
  const canary = { attempts: 60, failures: 48, clientErrors: 0 }
  const few = { attempts: 19, failures: 1, clientErrors: 0 }
  t.equal(breakerTrips({ ...base, canary, baseline: few }), true)
  t.equal(
    breakerTrips({
      ...base,
      canary,
      baseline: few,
      baselineLast: { failures: 0.4, unserved: 0.4, unanswered: 0.4 },
    }),
    true,
  )
  t.equal(
    breakerTrips({
      ...base,
      canary,
      baseline: few,
      baselineLast: { failures: 0.41, unserved: 0.41, unanswered: 0.41 },
    }),
    false,
  )
})

t.test('A shared outage trips nothing, either, where the baseline has few requests.', async (t) => {
  const canary = { attempts: 60, failures: 48, clientErrors: 0 }
  const baselineLast = { failures: 0.01, unserved: 0.3, unanswered: 0.01 }
  const trips = (attempts: number, failures: number) =>
    breakerTrips({
      ...base,
      canary,
      baselineLast,
      baseline: { attempts, failures, clientErrors: 0 },
    })
  t.equal(trips(19, 15), false)
  t.equal(trips(4, 2), false)
  t.equal(trips(6, 2), true, 'a third is less than half of what the canary fails')
  t.equal(trips(1, 1), true, 'one may be anybody’s')
  const keys = { seen: 3, failed: 1, unserved: 1 }
  const ofOneKey = { attempts: 12, failures: 10, clientErrors: 0, keys }
  t.equal(breakerTrips({ ...base, canary, baseline: ofOneKey }), true, 'those of one key')
  const refused = { attempts: 60, failures: 0, clientErrors: 48 }
  const few = { attempts: 5, failures: 0, clientErrors: 4 }
  t.equal(breakerTrips({ ...base, canary: refused, baseline: few }), false, 'a 4xx likewise')
  t.equal(breakerTrips({ ...base, canary: refused, baselineLast, baseline: few }), false)
})

t.test(
  'Client errors of the canary alone trip it like failures; those of both variants do not.',
  async (t) => {
    const refused = { attempts: 50, failures: 0, clientErrors: 25 }
    t.equal(breakerTrips({ ...base, canary: refused }), true)
    t.equal(breakerTrips({ ...base, canary: { ...refused, clientErrors: 24 } }), false)
    t.equal(breakerTrips({ ...base, canary: { ...refused, failures: 1, clientErrors: 24 } }), true)
    const baseline = { attempts: 20, failures: 0, clientErrors: 6 }
    t.equal(breakerTrips({ ...base, canary: refused, baseline }), false)
    t.equal(
      breakerTrips({ ...base, canary: refused, baseline: { ...baseline, clientErrors: 5 } }),
      true,
    )
    const baselineLast = { failures: 0, unserved: 0.26, unanswered: 0 }
    t.equal(breakerTrips({ ...base, canary: refused, baselineLast }), false)
  },
)

t.test('Ten failures in the last ten of many attempts do not trip it.', async (t) => {
  t.equal(
    breakerTrips({ ...base, canary: { attempts: 200, failures: 10, clientErrors: 0 } }),
    false,
  )
})

t.test('One client alone does not speak for all: a key keeps its variant.', async (t) => {
  const mostlyOnes = { attempts: 60, failures: 0, clientErrors: 40 }
  const oneOf = { seen: 15, failed: 0, unserved: 1 }
  t.equal(breakerTrips({ ...base, canary: mostlyOnes }), true, 'not known whose they are')
  t.equal(breakerTrips({ ...base, canary: { ...mostlyOnes, keys: oneOf } }), false)
  const crashed = { attempts: 60, failures: 40, clientErrors: 0, keys: { ...oneOf, failed: 1 } }
  t.equal(breakerTrips({ ...base, canary: crashed }), false)
  t.equal(
    breakerTrips({ ...base, canary: { ...crashed, keys: { seen: 2, failed: 1, unserved: 1 } } }),
    true,
    'of two clients one is half of them',
  )
  const canary = { attempts: 60, failures: 40, clientErrors: 0 }
  const noisy = { attempts: 900, failures: 700, clientErrors: 0 }
  const keys = { seen: 32, failed: 1, unserved: 1 }
  t.equal(breakerTrips({ ...base, canary, baseline: noisy }), false)
  t.equal(breakerTrips({ ...base, canary, baseline: { ...noisy, keys } }), true, 'nor for baseline')
})

t.test(
  'Clients that leave the canary alone before an answer trip it like failures; those of both variants do not.',
  async (t) => {
    const hangs = { attempts: 50, failures: 0, clientErrors: 0, left: 25 }
    t.equal(breakerTrips({ ...base, canary: hangs }), true)
    t.equal(breakerTrips({ ...base, canary: { ...hangs, left: 24 } }), false)
    t.equal(breakerTrips({ ...base, canary: { ...hangs, failures: 1, left: 24 } }), true)
    const mixed = { ...hangs, clientErrors: 24, left: 24 }
    t.equal(breakerTrips({ ...base, canary: mixed }), false, 'a 4xx is an answer')
    const baseline = { attempts: 20, failures: 0, clientErrors: 0, left: 6 }
    t.equal(breakerTrips({ ...base, canary: hangs, baseline }), false, 'as impatient with both')
    t.equal(breakerTrips({ ...base, canary: hangs, baseline: { ...baseline, left: 5 } }), true)
    const baselineLast = { failures: 0, unserved: 0, unanswered: 0.26 }
    t.equal(breakerTrips({ ...base, canary: hangs, baselineLast }), false)
    const failing = { ...hangs, failures: 25, left: 0 }
    t.equal(breakerTrips({ ...base, canary: failing, baseline }), true, 'failures are asked alone')
  },
)

t.test(
  'A cold canary that is slow at first loses clients, and needs as many attempts.',
  async (t) => {
    const cold = { attempts: 49, failures: 0, clientErrors: 0, left: 49 }
    t.equal(breakerTrips({ ...base, warmUp: true, canary: cold }), false)
    t.equal(breakerTrips({ ...base, warmUp: true, canary: { ...cold, attempts: 50 } }), true)
  },
)

t.test('One impatient client does not speak for all.', async (t) => {
  const one = { attempts: 60, failures: 0, clientErrors: 0, left: 50 }
  const keys = { seen: 15, failed: 0, unserved: 0, unanswered: 1 }
  t.equal(breakerTrips({ ...base, canary: one }), true, 'not known whose they are')
  t.equal(breakerTrips({ ...base, canary: { ...one, keys } }), false)
  t.equal(breakerTrips({ ...base, canary: { ...one, keys: { ...keys, unanswered: 8 } } }), true)
})

t.test(
  'A baseline is failing at half of 20 attempts failed, whatever the canary does.',
  async (t) => {
    const failing = { attempts: 20, failures: 10, clientErrors: 0 }
    for (const canary of [quiet, { attempts: 50, failures: 50, clientErrors: 0 }]) {
      const isFailing = (last: AttemptCount) =>
        isBaselineFailing({ last, together: () => ({ canary, baseline: last }), share: 0.5 })
      t.equal(isFailing(failing), true)
      t.equal(isFailing({ ...failing, failures: 9 }), false)
      t.equal(isFailing({ ...failing, attempts: 19, failures: 19 }), false)
    }
  },
)

t.test(
  'A baseline that its clients leave is failing where they do not leave the canary.',
  async (t) => {
    const baseline = { attempts: 40, failures: 1, clientErrors: 0, left: 19 }
    const canary = { attempts: 20, failures: 0, clientErrors: 0, left: 5 }
    const failing = (change: object, of: object = {}, last: object = of) =>
      isBaselineFailing({
        last: { ...baseline, ...last },
        together: () => ({
          canary: { ...canary, ...change },
          baseline: { ...baseline, ...of },
        }),
        share: 0.5,
      })
    t.equal(failing({}), true)
    t.equal(failing({}, { left: 18 }), false)
    t.equal(failing({ left: 6 }), false, 'clients of both are impatient')
    const longer = { attempts: 400 }
    t.equal(failing({ left: 0 }, longer, {}), true, 'in a span in which the canary has 20')
    t.equal(failing({ left: 1 }, { ...longer, left: 30 }, {}), false)
    t.equal(failing({ attempts: 19, left: 0 }), false, 'of the canary too little is known')
  },
)
