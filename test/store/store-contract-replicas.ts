import type { Test } from 'tap'
import { takeLease } from './samples.ts'
import type { StoreSubject } from './store-contract.ts'

/** The part of the contract that several gateways on one store live by: who decides. */
export function testLease(t: Test, makeSubject: (t: Test) => StoreSubject): void {
  t.test(
    'a lease is renewed by its holder and refused to others until its time is over',
    async (t) => {
      const store = await makeSubject(t).open()
      t.strictSame(await store.acquireLease('a', 60_000, 0), { holder: 'a', token: 1 })
      t.equal(await store.acquireLease('b', 60_000, 0), null)
      t.strictSame(await store.acquireLease('a', 60_000, 1), { holder: 'a', token: 1 })
      t.equal(await store.acquireLease('b', 60_000, 1), null)
      // Renewed for no time at all, it is over.
      await store.acquireLease('a', 0, 1)
      t.strictSame(await store.acquireLease('b', 60_000, 1), { holder: 'b', token: 2 })
      t.equal(await store.acquireLease('a', 60_000, 1), null)
    },
  )

  t.test('who took the lease last is known until it is given back', async (t) => {
    const store = await makeSubject(t).open()
    t.equal(await store.leaseHolder(), null)
    const lease = await takeLease(store, 'a')
    await store.acquireLease('b', 60_000, 0)
    t.equal(await store.leaseHolder(), 'a')
    await store.releaseLease(lease)
    t.equal(await store.leaseHolder(), null)
  })

  t.test('a holder that comes late keeps its token while nobody else came', async (t) => {
    const store = await makeSubject(t).open()
    await store.acquireLease('a', 0, 0)
    t.strictSame(await store.acquireLease('a', 60_000, 5000), { holder: 'a', token: 1 })
  })

  t.test('a lease that was given back is free at once, under a larger token', async (t) => {
    const store = await makeSubject(t).open()
    const lease = await takeLease(store, 'a')
    await store.releaseLease({ ...lease, token: 99 })
    t.equal(
      await store.acquireLease('b', 60_000, 0),
      null,
      'a token that is not held gives nothing back',
    )
    await store.releaseLease(lease)
    t.match(await store.acquireLease('b', 60_000, 0), { holder: 'b', token: 2 })
  })

  t.test('of two stores that ask at once one gets the lease', async (t) => {
    const subject = makeSubject(t)
    const [a, b] = [await subject.open(), await subject.open()]
    const leases = await Promise.all(
      [a, b].map((store, i) => store.acquireLease(`${i}`, 60_000, 0)),
    )
    t.equal(leases.filter((lease) => lease !== null).length, 1)
  })
}
