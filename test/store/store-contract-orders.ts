import type { Test } from 'tap'
import type { CommandOutcome, Order } from '../../src/domain/order.ts'
import { SERVICE, sampleDecision, succeedLease, takeLease } from './samples.ts'
import type { StoreSubject } from './store-contract.ts'

/** Longer than any test. */
const LONG_MS = 600_000

/** The part of the contract that commands go through to the process that decides. */
export function testOrders(t: Test, makeSubject: (t: Test) => StoreSubject): void {
  t.test('orders are taken once, in their turn, and answered as often as one asks', async (t) => {
    const subject = makeSubject(t)
    const [leader, follower] = [await subject.open(), await subject.open()]
    const lease = await takeLease(leader)
    t.strictSame(await leader.takeOrders(lease, 0), [], 'there are none')
    const orders = ['c', 'a', 'b'].map((id) => orderOf(id))
    for (const order of orders) await follower.putOrder(order, LONG_MS)
    t.strictSame(await leader.takeOrders(lease, 0), orders)
    t.strictSame(await leader.takeOrders(lease, 0), [])
    t.equal(await follower.withdrawOrder('a'), false, 'it was taken')

    const answer: CommandOutcome = { ok: true, decision: { ...sampleDecision(), id: 7 } }
    const refusal: CommandOutcome = { ok: false, code: 'SERIN_REFUSED', detail: 'it is over' }
    t.equal(await follower.readAnswer('a'), null)
    await leader.answerOrder('a', answer, LONG_MS, 0)
    await leader.answerOrder('b', refusal, LONG_MS, 0)
    t.strictSame(await follower.readAnswer('a'), answer)
    t.strictSame(await follower.readAnswer('a'), answer, 'whose answer was lost asks again')
    t.strictSame(await follower.readAnswer('b'), refusal)
    t.equal(await follower.readAnswer('c'), null)
  })

  t.test('an order that was withdrawn is taken by nobody, and the others are', async (t) => {
    const store = await makeSubject(t).open()
    const lease = await takeLease(store)
    for (const id of ['a', 'b', 'c']) await store.putOrder(orderOf(id), LONG_MS)
    t.equal(await store.withdrawOrder('b'), true)
    t.equal(await store.withdrawOrder('b'), false)
    t.equal(await store.withdrawOrder('unknown'), false)
    t.strictSame(await store.takeOrders(lease, 0), [orderOf('a'), orderOf('c')])
  })

  t.test('of one who takes an order and one who withdraws it at once one has it', async (t) => {
    const subject = makeSubject(t)
    const [leader, follower] = [await subject.open(), await subject.open()]
    const lease = await takeLease(leader)
    let withdrawn = 0
    for (let n = 0; n < 20; n += 1) {
      await follower.putOrder(orderOf(`${n}`), LONG_MS)
      const taking = () => leader.takeOrders(lease, 0)
      const withdrawing = () => follower.withdrawOrder(`${n}`)
      const both = () => Promise.all([taking(), withdrawing()])
      const turned = async () => (await Promise.all([withdrawing(), taking()])).toReversed()
      const [orders, isWithdrawn] = (await (n % 2 === 0 ? both() : turned())) as [Order[], boolean]
      if (isWithdrawn) withdrawn += 1
      t.equal(orders.length, isWithdrawn ? 0 : 1)
    }
    t.ok(withdrawn > 0, `${withdrawn} of 20 were withdrawn`)
  })

  t.test('who has lost the lease takes no order, and leaves it to who has it', async (t) => {
    const store = await makeSubject(t).open()
    const old = await takeLease(store, 'old')
    await store.putOrder(orderOf('a'), LONG_MS)
    await succeedLease(store, old, 'new')
    t.equal(await store.takeOrders(old, 0), null)
    const lease = (await store.acquireLease('new', LONG_MS, 0))!
    t.strictSame(await store.takeOrders(lease, 0), [orderOf('a')])
  })
}

/** A command that waits in the store. */
export function orderOf(id: string): Order {
  return {
    ...{ id, service: SERVICE, ifMatch: id === 'a' ? 3 : null, subject: '1.4->2.0', givenAt: 1000 },
    command: { verb: 'promote', full: false, actor: 'ops', note: null },
  }
}
