import type { Test } from 'tap'
import { commit, sampleDecision, SERVICE, takeLease } from './samples.ts'
import type { StoreSubject } from './store-contract.ts'

/** What every engine remembers of who was notified. */
export function testNotifyCursors(t: Test, makeSubject: (t: Test) => StoreSubject): void {
  t.test(
    'a webhook begins at the newest decision, and stays there until it is moved',
    async (t) => {
      const subject = makeSubject(t)
      const store = await subject.open()
      const lease = await takeLease(store)
      const decide = (revision: number) =>
        commit(store, lease, revision === 0 ? null : revision, { decision: sampleDecision() })
      t.equal(await store.openNotifyCursor(SERVICE, 'first'), 0)
      await decide(0)
      await decide(1)
      t.equal(await store.openNotifyCursor(SERVICE, 'first'), 0, 'both are still to be sent')
      t.equal(await store.openNotifyCursor(SERVICE, 'second'), 2, 'older ones are none of its')
      t.equal(await store.openNotifyCursor('other', 'first'), 0, 'of this service alone')
      await store.moveNotifyCursor(SERVICE, 'first', 1)
      await store.close()
      const again = await subject.open()
      t.equal(await again.openNotifyCursor(SERVICE, 'first'), 1)
      t.equal(await again.openNotifyCursor(SERVICE, 'second'), 2)
    },
  )

  t.test('what a webhook has heard of never becomes less', async (t) => {
    const store = await makeSubject(t).open()
    await store.moveNotifyCursor(SERVICE, 'hook', 7)
    await store.moveNotifyCursor(SERVICE, 'hook', 5)
    t.equal(await store.openNotifyCursor(SERVICE, 'hook'), 7)
  })

  t.test('two processes that open a webhook at once begin at the same decision', async (t) => {
    const subject = makeSubject(t)
    const [one, two] = [await subject.open(), await subject.open()]
    const lease = await takeLease(one)
    await commit(one, lease, null, { decision: sampleDecision() })
    const [a, b] = await Promise.all([
      one.openNotifyCursor(SERVICE, 'hook'),
      two.openNotifyCursor(SERVICE, 'hook'),
    ])
    t.same([a, b], [1, 1])
    await one.moveNotifyCursor(SERVICE, 'hook', 3)
    t.equal(await two.openNotifyCursor(SERVICE, 'hook'), 3)
  })
}
