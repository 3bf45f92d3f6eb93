import { setImmediate as nextTurn } from 'node:timers/promises'
import t from 'tap'
import { createWriteGroup } from '../../src/store/lmdb-write-group.ts'

/** A group over transactions that are counted, and fail where `failure` is set. */
function setUp() {
  const transactions: string[][] = []
  let running: string[] = []
  const state = { failure: null as Error | null }
  const group = createWriteGroup(async (run) => {
    running = []
    transactions.push(running)
    const result = run()
    await nextTurn()
    if (state.failure !== null) throw state.failure
    return result
  })
  const add = (name: string) =>
    group.add(() => {
      running.push(name)
      if (name.startsWith('bad')) throw new Error(name)
      return name.toUpperCase()
    })
  return { group, transactions, state, add }
}

t.test('what is asked for in the same turn is one transaction', async (t) => {
  const { transactions, add } = setUp()
  t.strictSame(await Promise.all([add('a'), add('b')]), ['A', 'B'])
  t.equal(await add('c'), 'C')
  t.strictSame(transactions, [['a', 'b'], ['c']])
})

t.test('it waits while every turn brings another one, and no longer', async (t) => {
  const { transactions, add } = setUp()
  const all = [add('a')]
  for (const name of ['b', 'c']) {
    all.push(add(name))
    await nextTurn()
  }
  t.strictSame(transactions, [])
  await Promise.all(all)
  t.strictSame(transactions, [['a', 'b', 'c']])
})

t.test('a group has an end, also where more keep coming', async (t) => {
  const { transactions, add } = setUp()
  await Promise.all(Array.from({ length: 200 }, (_, n) => add(String(n))))
  t.strictSame(
    transactions.map((all) => all.length),
    [64, 64, 64, 8],
  )
  t.strictSame(
    transactions.flat(),
    Array.from({ length: 200 }, (_, n) => String(n)),
  )
})

t.test('what has been added can be begun at once', async (t) => {
  const { group, transactions, add } = setUp()
  const first = add('a')
  group.flush()
  t.strictSame(transactions, [['a']])
  const second = add('b')
  await Promise.all([first, second])
  t.strictSame(transactions, [['a'], ['b']])
})

t.test('a change that throws fails alone', async (t) => {
  const { transactions, add } = setUp()
  const results = await Promise.allSettled([add('a'), add('bad'), add('c')])
  t.match(results, [{ value: 'A' }, { reason: { message: 'bad' } }, { value: 'C' }])
  t.strictSame(transactions, [['a', 'bad'], ['a'], ['bad'], ['c']])
})

t.test('a transaction that is not committed fails all of its changes', async (t) => {
  const { transactions, state, add } = setUp()
  state.failure = new Error('no room')
  const results = await Promise.allSettled([add('a'), add('b')])
  t.match(results, [{ reason: { message: 'no room' } }, { reason: { message: 'no room' } }])
  t.equal(transactions.length, 1)
})
