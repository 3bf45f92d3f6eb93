import t from 'tap'
import { LEASE_TTL_MS, LeaseKeeper } from '../../src/evaluator/lease-keeper.ts'
import { StoreAwayError, StoreLostError } from '../../src/store/store-error.ts'
import { MemoryStore } from '../fakes/memory-store.ts'

/** A keeper on clocks that a test moves apart; every answer of the store takes `answerMs`. */
function build(answerMs = 0) {
  const times = { wall: 1e12, monotonic: 500 }
  const store = new MemoryStore()
  const asked: number[] = []
  const { acquireLease } = store
  store.acquireLease = async (holder, ttlMs, now) => {
    asked.push(times.monotonic)
    times.monotonic += answerMs
    return acquireLease(holder, ttlMs, now)
  }
  const clock = { now: () => times.wall, monotonic: () => times.monotonic }
  return { times, asked, store, keeper: new LeaseKeeper(store, clock, 'one') }
}

t.test(
  'a lease is counted on the monotonic clock: a clock that is set changes nothing',
  async (t) => {
    const { times, keeper } = build()
    await keeper.keep()
    times.wall += 1e9
    t.match(keeper.current(), { holder: 'one', token: 1 })
    times.wall -= 2e9
    times.monotonic += LEASE_TTL_MS - 1
    t.match(keeper.current(), { token: 1 })
    times.monotonic += 1
    t.equal(keeper.current(), null, 'whoever slept past its end does not decide when it wakes up')
  },
)

t.test(
  'it knows who else has the lease, and asks for that once in the time of a lease',
  async (t) => {
    const { times, store, keeper } = build()
    let asked = 0
    const { leaseHolder } = store
    store.leaseHolder = () => ((asked += 1), leaseHolder())
    const other = await store.acquireLease('other', 60_000, times.wall)
    for (const at of [500, 750, 1000]) {
      times.monotonic = at
      await keeper.keep()
      t.equal(keeper.holder, 'other')
    }
    t.equal(asked, 1)
    times.monotonic += LEASE_TTL_MS
    await keeper.keep()
    t.equal(asked, 2)
    t.match(other, { token: 1 })
    await store.releaseLease()
    await keeper.keep()
    t.same([keeper.lead, keeper.holder], ['here', null])
  },
)

t.test('its time begins before the store was asked: the answer may have taken long', async (t) => {
  const { times, keeper } = build(2000)
  await keeper.keep()
  times.monotonic = 500 + LEASE_TTL_MS - 1
  t.not(keeper.current(), null)
  times.monotonic += 1
  t.equal(keeper.current(), null)
})

t.test('it is renewed when a third of its time has passed, not before', async (t) => {
  const { times, asked, keeper } = build()
  for (const at of [500, 1000, 2100, 2200, 3800]) {
    times.monotonic = at
    await keeper.keep()
  }
  t.same(asked, [500, 2200])
  times.monotonic = 4000
  await keeper.keep()
  t.same(asked, [500, 2200, 4000])
})

t.test(
  'a store that has lost its data has lost the lease as well; one that is away has not',
  async (t) => {
    const { times, store, keeper } = build()
    await keeper.keep()
    times.monotonic += LEASE_TTL_MS / 2
    store.acquireLease = async () => Promise.reject(new StoreAwayError('no connection'))
    await t.rejects(keeper.keep(), { message: 'no connection' })
    t.match(keeper.current(), { token: 1 })
    store.acquireLease = async () => Promise.reject(new StoreLostError('LOST'))
    await t.rejects(keeper.keep(), { message: 'LOST' })
    t.equal(keeper.current(), null)
    t.equal(keeper.lead, 'unknown')
  },
)
