import t from 'tap'
import type { DecisionAction, Phase } from '../../src/domain/decision.ts'
import type { NotifySpec } from '../../src/domain/notify.ts'
import { hookKey } from '../../src/notify/hook-key.ts'
import { Notifier } from '../../src/notify/notifier.ts'
import { GIVE_UP_AFTER_MS, type NotifyReport } from '../../src/notify/outbox.ts'
import type { WebhookAnswer, WebhookMessage } from '../../src/notify/webhook-sender.ts'
import { MemoryStore } from '../fakes/memory-store.ts'
import { hook } from '../fakes/rollout.ts'
import { ManualClock } from '../fakes/simulated-service.ts'
import { sampleDecision } from '../store/samples.ts'

const OK: WebhookAnswer = { status: 200 }
const DEAD: WebhookAnswer = { failure: 'refused' }
const HOOK = hook({ url: 'http://h/1', on: ['advanced', 'rolled-back'] })

/** A store with its decisions and its clock, in which processes come and go. */
class World {
  readonly store = new MemoryStore()
  readonly clock = new ManualClock()
  readonly sent: (WebhookMessage & { readonly url: string })[] = []
  readonly reports: NotifyReport[] = []
  readonly errors: unknown[] = []
  answer: (url: string, message: WebhookMessage) => WebhookAnswer | Promise<WebhookAnswer> = () =>
    OK
  leads = true

  decide(
    service = 'svc',
    action: DecisionAction = 'advance',
    phase: Phase = 'progressing',
  ): number {
    const id = this.store.log.filter((d) => d.service === service).length + 1
    const to = { phase, step: 0, weights: {} }
    this.store.log.push({ ...sampleDecision({ service, action, to, at: this.clock.ms }), id })
    return id
  }

  /** A process that begins; `leads`: whether it is the leader. */
  process(leads = () => this.leads): Notifier {
    return new Notifier({
      store: this.store,
      clock: this.clock,
      draw: () => 0.5,
      leads,
      send: async (hook, message) => {
        this.sent.push({ ...message, url: hook.url })
        return this.answer(hook.url, message)
      },
      render: (decision, hook) => `${hook.template} ${decision.id}`,
      report: (report) => this.reports.push(report),
      onError: (error) => this.errors.push(error),
      onDone: () => {},
    })
  }

  ids(): (number | null)[] {
    return this.sent.map(({ decision }) => decision)
  }
}

function services(...hooks: NotifySpec[]) {
  return [{ name: 'svc', notify: hooks }]
}

async function flush(notifier: Notifier): Promise<void> {
  notifier.look()
  await notifier.settled()
}

t.test(
  'a webhook hears of what it asked for, in order, and of nothing before it came',
  async (t) => {
    const world = new World()
    world.decide()
    const notifier = world.process()
    await notifier.follow(services(HOOK))
    world.decide('svc', 'hold')
    world.decide()
    world.decide('other')
    world.decide('svc', 'rollback', 'rolled-back')
    notifier.wake('svc')
    await notifier.settled()
    t.same(world.sent, [
      { url: 'http://h/1', event: 'advanced', decision: 3, body: 'json 3' },
      { url: 'http://h/1', event: 'rolled-back', decision: 4, body: 'json 4' },
    ])
    t.match(world.reports, [
      { service: 'svc', decision: 3, result: 'delivered', reason: null, retryInMs: null },
      { decision: 4, result: 'delivered' },
    ])
    await flush(notifier)
    t.equal(world.sent.length, 2, 'once')
  },
)

t.test(
  'what fails is repeated with a growing wait, and the later ones wait behind it',
  async (t) => {
    const world = new World()
    const notifier = world.process()
    await notifier.follow(services(HOOK))
    const failures: WebhookAnswer[] = [DEAD, ...[500, 302, 408, 429].map((status) => ({ status }))]
    world.answer = () => failures.shift() ?? OK
    world.decide()
    world.decide()
    for (const waitMs of [750, 1500, 3000, 6000, 12_000]) {
      await flush(notifier)
      t.match(world.reports.at(-1), { result: 'failed', decision: 1, retryInMs: waitMs })
      world.clock.ms += waitMs - 1
      const before = world.sent.length
      await flush(notifier)
      t.equal(world.sent.length, before, 'not before its time')
      world.clock.ms += 1
    }
    await flush(notifier)
    t.same(world.ids(), [1, 1, 1, 1, 1, 1, 2])
    t.same(
      world.reports.map(({ reason }) => reason),
      ['refused', 'answered 500', 'answered 302', 'answered 408', 'answered 429', null, null],
    )
    failures.push(DEAD)
    world.decide()
    notifier.wake('svc')
    await notifier.settled()
    t.equal(world.reports.at(-1)!.retryInMs, 750, 'a success ends the growth')
  },
)

t.test('a refusal is not repeated', async (t) => {
  const world = new World()
  const notifier = world.process()
  await notifier.follow(services(HOOK))
  const answers: WebhookAnswer[] = [{ status: 400 }, { status: 410 }, OK]
  world.answer = () => answers.shift()!
  for (let i = 0; i < 3; i++) world.decide()
  await flush(notifier)
  t.same(world.ids(), [1, 2, 3])
  t.match(world.reports, [
    { result: 'refused', reason: 'answered 400', retryInMs: null },
    { result: 'refused', reason: 'answered 410' },
    { result: 'delivered' },
  ])
})

t.test('a notification is given up a day after its decision, those after it are not', async (t) => {
  const world = new World()
  const notifier = world.process()
  await notifier.follow(services(HOOK))
  world.answer = () => DEAD
  world.decide()
  await flush(notifier)
  world.clock.ms += GIVE_UP_AFTER_MS
  await flush(notifier)
  t.same(world.ids(), [1, 1], 'tried for all of the day')
  world.clock.ms += 300_000
  world.decide()
  world.answer = () => OK
  await flush(notifier)
  t.same(world.ids(), [1, 1, 2])
  t.same(
    world.reports.map(({ result }) => result),
    ['failed', 'failed', 'given-up', 'delivered'],
  )
})

t.test('a process that dies between decision and delivery leaves it to the next one', async (t) => {
  const world = new World()
  const first = world.process()
  await first.follow(services(HOOK))
  world.decide()
  await flush(first)
  world.answer = () => DEAD
  world.decide()
  world.decide()
  first.wake('svc')
  await first.settled()
  t.same(world.ids(), [1, 2])
  // It is gone: nothing of it is called any more.
  world.answer = () => OK
  const second = world.process()
  await second.follow(services(HOOK))
  await flush(second)
  t.same(world.ids(), [1, 2, 2, 3], 'the failed one again, then the rest, the delivered one not')
})

t.test('a delivery that the store does not learn of is made again', async (t) => {
  const world = new World()
  const notifier = world.process()
  await notifier.follow(services(HOOK))
  world.decide()
  world.answer = () => {
    world.store.away = true
    return OK
  }
  await flush(notifier)
  t.match(world.errors, [/the store is away/])
  world.store.away = false
  world.answer = () => OK
  world.clock.ms += 750
  await flush(notifier)
  t.same(world.ids(), [1, 1])
})

t.test('only the leader sends, and a new one goes on where the old one was', async (t) => {
  const world = new World()
  let leader = 'a'
  const a = world.process(() => leader === 'a')
  const b = world.process(() => leader === 'b')
  await a.follow(services(HOOK))
  await b.follow(services(HOOK))
  world.decide()
  world.decide()
  await flush(b)
  t.same(world.sent, [], 'b only follows')
  // The lease is lost while the first is under way.
  world.answer = () => {
    leader = 'b'
    return OK
  }
  await flush(a)
  await flush(a)
  t.same(world.ids(), [1])
  await flush(b)
  t.same(world.ids(), [1, 2])
  world.decide()
  leader = 'a'
  await flush(a)
  t.same(world.ids(), [1, 2, 3], 'nobody woke a: it became the leader')
})

t.test(
  'a dead webhook keeps nothing of the decisions, and holds no other webhook up',
  async (t) => {
    const world = new World()
    const notifier = world.process()
    const other = hook({ ...HOOK, url: 'http://h/2' })
    await notifier.follow(services(HOOK, other))
    world.answer = (url) => (url === HOOK.url ? DEAD : OK)
    for (let i = 0; i < 50; i++) {
      world.decide()
      notifier.wake('svc')
      await notifier.settled()
    }
    const to = (url: string) => world.sent.filter((message) => message.url === url)
    t.same(
      to(other.url).map(({ decision }) => decision),
      Array.from({ length: 50 }, (_, i) => i + 1),
    )
    t.equal(to(HOOK.url).length, 1, 'it is left alone until its wait is over')
  },
)

t.test('at most 16 webhooks are sent to at once, and all of them get their turn', async (t) => {
  const world = new World()
  const notifier = world.process()
  const names = Array.from({ length: 40 }, (_, i) => `s${i}`)
  await notifier.follow(names.map((name) => ({ name, notify: [HOOK] })))
  let [underWay, most] = [0, 0]
  world.answer = async () => {
    most = Math.max(most, ++underWay)
    await new Promise((resolve) => setImmediate(resolve))
    underWay--
    return OK
  }
  for (const name of names) world.decide(name)
  await flush(notifier)
  t.equal(world.sent.length, 40)
  t.equal(most, 16)
})

t.test(
  'a reload takes over events, secret and template at once, and drops who is gone',
  async (t) => {
    const world = new World()
    const notifier = world.process()
    const gone = hook({ ...HOOK, url: 'http://h/gone' })
    await notifier.follow(services(HOOK, gone))
    world.answer = () => DEAD
    world.decide()
    await flush(notifier)
    world.answer = () => OK
    await notifier.follow(services(hook({ ...HOOK, template: 'slack' })))
    await flush(notifier)
    t.same(world.sent.slice(2), [
      { url: HOOK.url, event: 'advanced', decision: 1, body: 'slack 1' },
    ])
  },
)

t.test('who only confirms promotions hears of no decision', async (t) => {
  const world = new World()
  const notifier = world.process()
  await notifier.follow(services(hook({ confirmsPromotion: true })))
  world.decide()
  await flush(notifier)
  t.same(world.sent, [])
})

t.test('a store that is away at the start is no reason not to start', async (t) => {
  const world = new World()
  world.store.away = true
  const notifier = world.process()
  await notifier.follow(services(HOOK))
  await flush(notifier)
  t.equal(world.errors.length, 2)
  world.store.away = false
  world.clock.ms += 750
  await flush(notifier)
  world.decide()
  notifier.wake('svc')
  await notifier.settled()
  t.same(world.ids(), [1])
})

t.test('the end waits for what is under way and begins nothing more', async (t) => {
  const world = new World()
  const notifier = world.process()
  await notifier.follow(services(HOOK))
  let answer: (answer: WebhookAnswer) => void
  world.answer = () => new Promise((resolve) => (answer = resolve))
  world.decide()
  world.decide()
  notifier.start()
  while (world.sent.length === 0) await new Promise((resolve) => setImmediate(resolve))
  const closed = notifier.close()
  answer!(OK)
  await closed
  notifier.wake('svc')
  await notifier.settled()
  t.same(world.ids(), [1])
  t.equal(await world.store.openNotifyCursor('svc', hookKey(HOOK)), 1)
})
