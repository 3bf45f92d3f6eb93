import t from 'tap'
import type { Command } from '../../src/domain/decision.ts'
import {
  ANSWER_WAIT_MS,
  GivenOrders,
  ORDER_TTL_MS,
  ORDER_WAIT_MS,
} from '../../src/evaluator/given-orders.ts'
import { MemoryStore } from '../fakes/memory-store.ts'
import { command } from '../fakes/rollout.ts'
import { ManualClock } from '../fakes/simulated-service.ts'

const DONE = { ok: true, decision: null } as const

/** One who gives orders, and one that may take them. */
class World {
  readonly clock = new ManualClock()
  readonly store = new MemoryStore()
  readonly given = new GivenOrders(this.store, this.clock, 'p1')
  readonly heard: unknown[] = []

  async give(verb: Command['verb'] = 'pause', ifMatch: number | null = null): Promise<void> {
    const order = { service: 'svc', command: command(verb), ifMatch, subject: '1->2' }
    const hears = this.given.give(order)
    void hears.then(
      (heard) => this.heard.push(heard),
      (error: Error) => this.heard.push(error.message),
    )
    await settled()
  }

  async take() {
    const { clock, store } = this
    const lease = await store.acquireLease('p0', 1e9, clock.now())
    return (await store.takeOrders(lease!, clock.now()))!
  }

  /** So much time passes, and it is asked what became of the orders. */
  async hearAfter(ms: number, leads = false): Promise<readonly unknown[]> {
    this.clock.ms += ms
    await this.given.hear(leads)
    await settled()
    return this.heard
  }
}

const settled = () => new Promise<void>((resolve) => setImmediate(resolve))

t.test('who gave an order hears the answer, and what it was given for is known', async (t) => {
  const world = new World()
  await world.give('promote', 7)
  await world.give('pause')
  const orders = await world.take()
  t.match(orders, [
    { service: 'svc', command: command('promote'), ifMatch: 7, givenAt: world.clock.now() },
    { command: command('pause'), ifMatch: null },
  ])
  t.not(orders[0]!.id, orders[1]!.id)
  t.same(await world.hearAfter(250), [])
  await world.store.answerOrder(orders[1]!.id, DONE, ORDER_TTL_MS, 0)
  t.same(await world.hearAfter(250), [DONE], 'each hears of its own')
})

t.test('an order that nobody takes is withdrawn in time, and taken by nobody then', async (t) => {
  const world = new World()
  await world.give()
  t.same(await world.hearAfter(ORDER_WAIT_MS - 1), [])
  t.equal(world.store.orders.waiting.size, 1)
  t.same(await world.hearAfter(1), ['not-taken'])
  t.same(await world.take(), [])
  t.same(await world.hearAfter(ORDER_WAIT_MS), ['not-taken'], 'it is told once')
})

t.test('one that was taken in the last moment is waited for a little longer', async (t) => {
  for (const answers of [true, false]) {
    const world = new World()
    await world.give()
    await world.hearAfter(ORDER_WAIT_MS - 1)
    const [order] = await world.take()
    t.same(await world.hearAfter(1), [])
    t.same(await world.hearAfter(ANSWER_WAIT_MS - 1), [])
    if (answers) await world.store.answerOrder(order!.id, DONE, ORDER_TTL_MS, 0)
    t.same(await world.hearAfter(1), [answers ? DONE : 'taken'])
  }
})

t.test('who begins to decide takes back what nobody has taken, at once', async (t) => {
  const world = new World()
  await world.give()
  t.same(await world.hearAfter(250, true), ['free'])
  await world.give()
  await world.take()
  t.same(await world.hearAfter(250, true), ['free'], 'what another one took is left to that one')
  t.same(await world.hearAfter(ANSWER_WAIT_MS, true), ['free', 'taken'])
})

t.test('a store that is away for a moment keeps no answer back', async (t) => {
  const world = new World()
  await world.give()
  const [order] = await world.take()
  world.store.away = true
  t.same(await world.hearAfter(1000), [])
  world.store.away = false
  await world.store.answerOrder(order!.id, DONE, ORDER_TTL_MS, 0)
  t.same(await world.hearAfter(1000), [DONE])
})

t.test('where the store stays away it is not known what became of an order', async (t) => {
  const world = new World()
  world.store.away = true
  await world.give()
  t.same(world.heard, ['the store is away'])
  world.store.away = false
  await world.give()
  world.store.away = true
  t.equal((await world.hearAfter(ORDER_WAIT_MS - 1)).length, 1)
  t.same(await world.hearAfter(1), ['the store is away', 'the store is away'])
})

t.test('a withdrawal that had no answer is not asked for again', async (t) => {
  const world = new World()
  await world.give()
  const { withdrawOrder } = world.store
  world.store.withdrawOrder = async (id) => {
    await withdrawOrder(id)
    throw new Error('no answer')
  }
  t.same(await world.hearAfter(0, true), ['no answer'], 'it would look like one that was taken')
})

t.test('an order that was left without an answer is withdrawn, and found by nobody', async (t) => {
  const world = new World()
  const { putOrder } = world.store
  world.store.putOrder = async (...given) => {
    await putOrder(...given)
    throw new Error('no answer')
  }
  await world.give()
  t.same(world.heard, ['not-taken'])
  t.same(await world.take(), [])
})

t.test('an abort does not wait for a store that is away', async (t) => {
  const world = new World()
  await world.give('abort')
  world.store.away = true
  t.same(await world.hearAfter(250), ['the store is away'])
})

t.test('who ends withdraws what waits, and tells of what was taken', async (t) => {
  const world = new World()
  for (let n = 0; n < 2; n += 1) await world.give()
  const [order] = await world.take()
  await world.give()
  await world.store.answerOrder(order!.id, DONE, ORDER_TTL_MS, 0)
  await world.given.end()
  await settled()
  t.same(new Set(world.heard), new Set([DONE, 'not-taken', 'taken']))
  t.equal(world.store.orders.waiting.size, 0)
})
