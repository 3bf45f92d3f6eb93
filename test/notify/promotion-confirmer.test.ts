import t from 'tap'
import type { NotifySpec } from '../../src/domain/notify.ts'
import {
  ASK_EVERY_MS,
  PromotionConfirmer,
  type ConfirmationReport,
} from '../../src/notify/promotion-confirmer.ts'
import type { WebhookAnswer } from '../../src/notify/webhook-sender.ts'
import { confirmedPlan, hook, plan, report, seen, state } from '../fakes/rollout.ts'
import { ManualClock } from '../fakes/simulated-service.ts'

/** The last step before 100 %, with everything proved. */
const READY = state({ phase: 'progressing' }, { step: 2, weightBp: 5000 })
const UNPROVED = report({
  evidence: { ...report().evidence, nonInferiority: { log: 1, threshold: 3 } },
})

function world(hooks: readonly NotifySpec[] = [hook({ confirmsPromotion: true })]) {
  const clock = new ManualClock()
  const asked: { readonly url: string; readonly body: string }[] = []
  const reports: ConfirmationReport[] = []
  const self = {
    ...{ clock, asked, reports, leads: true, hooks },
    answer: (_url: string): WebhookAnswer | Promise<WebhookAnswer> => ({ status: 200 }),
    /** A look at the rollout, and the time for an answer. */
    look: async (
      seenNow: Parameters<typeof seen>[0] = {},
      stateNow = READY,
      planNow = confirmedPlan(),
    ) => {
      const confirmation = confirmer.confirm(planNow, stateNow, seen(seenNow))
      await new Promise((resolve) => setImmediate(resolve))
      return confirmation
    },
  }
  const confirmer = new PromotionConfirmer({
    clock,
    leads: () => self.leads,
    hooks: () => self.hooks,
    send: async ({ url }, { body }) => {
      asked.push({ url, body })
      return self.answer(url)
    },
    render: ({ action, from, to }) => `${action} ${from.step} ${to.step}`,
    report: (each) => reports.push(each),
  })
  return self
}

t.test('a yes is known from the next look on', async (t) => {
  const { asked, look, reports } = world()
  t.equal(await look(), 'not-asked')
  t.same(asked, [{ url: 'http://127.0.0.1:9', body: 'promote 2 3' }])
  t.equal(await look(), 'given')
  t.equal(asked.length, 1)
  t.match(reports, [{ service: 'svc', result: 'given', answer: { status: 200 }, isNews: true }])
})

t.test('anything but 200 is not yet, and is asked again every 10 s', async (t) => {
  const self = world()
  const answers: WebhookAnswer[] = [
    { status: 204 },
    { status: 503 },
    { status: 302 },
    { failure: 'refused' },
    { failure: 'refused' },
    { status: 200 },
  ]
  self.answer = () => answers.shift()!
  t.equal(await self.look(), 'not-asked')
  for (let asked = 1; asked < 6; asked++) {
    self.clock.ms += ASK_EVERY_MS - 1
    t.equal(await self.look(), 'refused')
    t.equal(self.asked.length, asked)
    self.clock.ms += 1
    t.equal(await self.look(), 'refused', 'the last answer stands until the next one')
  }
  t.equal(await self.look(), 'given')
  t.same(
    self.reports.map(({ result, isNews }) => [result, isNews]),
    [
      ['refused', true],
      ['refused', true],
      ['refused', true],
      ['unreachable', true],
      ['unreachable', false],
      ['given', true],
    ],
  )
})

t.test(
  'nobody is asked while anything else is missing, or where nothing has to be asked',
  async (t) => {
    const { asked, look } = world()
    t.equal(await look({ reports: [UNPROVED] }), 'not-asked')
    t.equal(await look({}, state()), 'not-asked')
    t.equal(await look({}, READY, plan()), 'not-asked')
    t.same(asked, [])
  },
)

t.test('only the leader asks', async (t) => {
  const self = world()
  self.leads = false
  t.equal(await self.look(), 'not-asked')
  t.same(self.asked, [])
})

t.test('all who are asked have to say yes, and nobody to ask is no yes', async (t) => {
  const both = ['http://h/a', 'http://h/b'].map((url) => hook({ url, confirmsPromotion: true }))
  const self = world([...both, hook({ url: 'http://h/news', on: ['promoted'] })])
  self.answer = (url) => ({ status: url.endsWith('a') ? 200 : 403 })
  await self.look()
  t.same(
    self.asked.map(({ url }) => url),
    ['http://h/a', 'http://h/b'],
  )
  t.equal(await self.look(), 'refused')
  self.hooks = []
  self.clock.ms += ASK_EVERY_MS
  await self.look()
  t.equal(await self.look(), 'refused')
})

t.test('a yes counts for its attempt and its step alone', async (t) => {
  for (const other of [
    { ...READY, attempt: 2 },
    { ...READY, canaryVersion: '3.0' },
    { ...READY, step: 1 },
  ]) {
    const steps = confirmedPlan().steps
    const planNow = { ...confirmedPlan(), steps: other.step === 1 ? steps.slice(1) : steps }
    const self = world()
    await self.look()
    t.equal(await self.look(), 'given')
    t.equal(await self.look({}, other, planNow), 'not-asked')
    self.clock.ms += ASK_EVERY_MS
    await self.look({}, other, planNow)
    t.equal(self.asked.length, 2, 'it is asked for anew')
  }
})

t.test('a yes is void once something else is missing again, even one on its way', async (t) => {
  const self = world()
  await self.look()
  t.equal(await self.look(), 'given')
  t.equal(await self.look({ reports: [UNPROVED] }), 'not-asked')
  t.equal(await self.look(), 'not-asked')
  self.clock.ms += ASK_EVERY_MS
  let answer: (answer: WebhookAnswer) => void
  self.answer = () => new Promise((resolve) => (answer = resolve))
  await self.look()
  await self.look({ reports: [UNPROVED] })
  answer!({ status: 200 })
  await self.look()
  t.equal(await self.look(), 'not-asked')
})

t.test('a yes that is not used in 10 s is over', async (t) => {
  const self = world()
  await self.look()
  self.clock.ms += ASK_EVERY_MS
  self.answer = () => ({ status: 409 })
  t.equal(await self.look(), 'not-asked')
  t.equal(await self.look(), 'refused')
})
