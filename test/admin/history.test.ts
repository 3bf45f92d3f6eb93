import t from 'tap'
import { createAdminServer } from '../../src/admin/admin-plugin.ts'
import { RolloutHistory } from '../../src/metrics/rollout-history.ts'
import { VariantBook } from '../../src/metrics/variant-book.ts'
import { createFakeDeps, fakeMetric, fakeState, LOOPBACK, NOW } from './fake-deps.ts'

const HISTORY = '/api/v1/services/credit-risk/history'

t.test('How the evidence went is shown in columns, what is not known as null.', async (t) => {
  const history = new RolloutHistory()
  const books = new Map([['canary', new VariantBook('canary', '2.0')]])
  const unbounded = { estimate: 0.97412345, lower: 0, upper: Infinity, method: 'exact' } as const
  history.note(fakeState(), [fakeMetric({ ratio: null })], books, NOW - 2000)
  history.note(fakeState({ weightBp: 5000 }), [fakeMetric({ ratio: unbounded })], books, NOW)
  const app = createAdminServer(
    createFakeDeps({ history: (service) => history.read(service, '1.4->2.0#1') }),
    LOOPBACK,
  )
  t.teardown(() => app.close())
  const response = await app.inject(HISTORY)
  t.equal(response.statusCode, 200)
  t.strictSame(response.json(), {
    service: 'credit-risk',
    rollout: '1.4->2.0#1',
    at: ['2027-05-01T11:59:58.000Z', '2027-05-01T12:00:00.000Z'],
    weights: { canary: [20, 50] },
    variants: {
      canary: {
        requests: [0, 0],
        errors: [0, 0],
        p95Ms: [null, null],
      },
    },
    metrics: [
      {
        name: 'rmse',
        baseline: [3.1, 3.1],
        canary: [3.02, 3.02],
        ratio: { estimate: [null, 0.974123], lower: [null, 0], upper: [null, null] },
        harm: { log: [-1.2, -1.2], threshold: 4.6 },
        nonInferiority: { log: [2.1, 2.1], threshold: 3 },
      },
    ],
  })
})

t.test('Before the first turn it is empty, and of no service there is none.', async (t) => {
  const app = createAdminServer(createFakeDeps(), LOOPBACK)
  t.teardown(() => app.close())
  t.strictSame((await app.inject(HISTORY)).json(), {
    ...{ service: 'credit-risk', rollout: null, at: [], weights: {}, variants: {}, metrics: [] },
  })
  t.equal((await app.inject('/api/v1/services/none/history')).statusCode, 404)
})
