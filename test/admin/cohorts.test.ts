import t from 'tap'
import { createAdminServer } from '../../src/admin/admin-plugin.ts'
import type { CohortsAnswer } from '../../src/admin/cohorts.ts'
import { parseCohort } from '../../src/admin/present-cohort.ts'
import { StoreError } from '../../src/store/store-error.ts'
import { plan } from '../fakes/rollout.ts'
import { sampleCohort } from '../store/samples.ts'
import { createFakeDeps, LOOPBACK, NOW } from './fake-deps.ts'

const ROLLOUT = '1.4->2.0#1'
const COHORTS = [1, 2, 3].map((number) =>
  sampleCohort(number, {
    openedAt: NOW,
    closedAt: NOW + 10,
    ...(number < 3 ? { settledAt: NOW + 20 } : {}),
  }),
)

function server(changes: Parameters<typeof createFakeDeps>[0] = {}) {
  const deps = createFakeDeps({
    attempts: async () => [
      { rollout: '1.3->1.4#1', first: 0, cohorts: 9, from: 0, to: 9, evicted: 4 },
      { rollout: ROLLOUT, first: 1, cohorts: 3, from: NOW, to: NOW + 10, evicted: 0 },
    ],
    archivedPlan: async () => plan(),
    archivedCohorts: async (_service, rollout, { after, limit }) =>
      rollout === ROLLOUT ? COHORTS.filter((c) => c.number > after).slice(0, limit) : [],
    ...changes,
  })
  return createAdminServer(deps, LOOPBACK)
}

async function get(query: string, app = server()) {
  const answer = await app.inject(`/api/v1/services/credit-risk/cohorts${query}`)
  return { status: answer.statusCode, body: answer.json<CohortsAnswer & { detail: string }>() }
}

t.test('The newest attempt comes with its plan, its cohorts and what else is kept.', async (t) => {
  const { status, body } = await get('')
  t.equal(status, 200)
  t.match(body, {
    rollout: ROLLOUT,
    plan: { service: 'svc' },
    next: null,
    attempts: [
      { rollout: '1.3->1.4#1', evicted: 4 },
      { rollout: ROLLOUT, from: '2027-05-01T12:00:00.000Z' },
    ],
  })
  t.match(body.cohorts[0], {
    openedAt: '2027-05-01T12:00:00.000Z',
    closedAt: '2027-05-01T12:00:00.010Z',
  })
  t.equal(body.cohorts[2]!.settledAt, null)
  t.strictSame(body.cohorts.map(parseCohort), COHORTS)
  const open = sampleCohort(4)
  const waiting = server({ archivedCohorts: async () => [open] })
  t.strictSame((await get('', waiting)).body.cohorts.map(parseCohort), [open])
})

t.test('Pages follow each other by the number of the last cohort.', async (t) => {
  const first = await get('?limit=2')
  t.equal(first.body.next, 2)
  const second = await get(`?limit=2&after=2&rollout=${encodeURIComponent(ROLLOUT)}`)
  t.strictSame([second.body.cohorts.map((c) => c.number), second.body.next], [[3], null])
})

t.test('Without anything kept the answer is empty, and an unknown attempt is named.', async (t) => {
  const empty = () => server({ attempts: async () => [] })
  const { body } = await get('', empty())
  t.strictSame(body, { rollout: null, plan: null, cohorts: [], next: null, attempts: [] })
  t.match(await get('?rollout=x', empty()), { status: 404, body: { detail: /there are: none/ } })
  t.match(await get('?rollout=x'), { status: 404, body: { detail: /1\.3->1\.4#1, 1\.4->2\.0#1/ } })
  t.match(await get('?limit=1001'), { status: 400 })
  t.match(await get('?limit=0'), { status: 400, body: { detail: /limit/ } })
  t.match(await get('?after=-1'), { status: 400, body: { detail: /after/ } })
  t.match(await get('?rollout=a&rollout=b'), {
    status: 400,
    body: { detail: 'rollout is ["a","b"]; send it once, as text' },
  })
  t.match(await get('?foo=1'), {
    status: 400,
    body: { detail: /known: variant, rollout, after, limit/ },
  })
})

t.test('An unknown service, and a store that cannot be read, are told apart.', async (t) => {
  const unknown = await server().inject('/api/v1/services/nobody/cohorts')
  t.equal(unknown.statusCode, 404)
  t.match(unknown.json(), { detail: /there is no service "nobody"/ })
  const broken = server({
    attempts: () => Promise.reject(new StoreError('cannot read the archive of credit-risk')),
  })
  t.match(await get('', broken), {
    status: 503,
    body: { code: 'SERIN_STORE_FAILED', detail: /cannot read the archive of credit-risk/ },
  })
})
