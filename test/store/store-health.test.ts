import t from 'tap'
import { StoreError, StoreLostError } from '../../src/store/store-error.ts'
import { StoreHealth } from '../../src/store/store-health.ts'
import type { Store } from '../../src/store/store.ts'
import { MemoryStore } from '../fakes/memory-store.ts'

function setUp() {
  const memory = new MemoryStore()
  const log: [string, object, string][] = []
  const level = (name: string) => (fields: object, message: string) => {
    log.push([name, fields, message])
  }
  const up: boolean[] = []
  let now = 1000
  const health = new StoreHealth({
    log: { debug: level('debug'), info: level('info'), warn: level('warn'), error: level('error') },
    now: () => (now += 500),
    setUp: (isUp) => up.push(isUp),
  })
  let error: Error | null = null
  const ask = <T>(answer: T) => (error === null ? Promise.resolve(answer) : Promise.reject(error))
  const store: Store = Object.assign(memory, {
    commit: () => ask({ ok: true, decision: null } as const),
    putPredictions: () => ask(undefined),
    report: () => ask(undefined),
    acquireLease: () => ask({ holder: 'a', token: 1 }),
    readRevision: () => ask(7),
  })
  return {
    ...{ health, log, up, store, watched: health.watched(store) },
    fail: (e: Error | null) => (error = e),
  }
}

const WRITES = ['commit', 'putPredictions', 'report', 'acquireLease'] as const

t.test('each write that is repeated tells when the store goes and when it is back', async (t) => {
  for (const method of WRITES) {
    const { health, log, up, watched, fail } = setUp()
    const call = () => (watched[method] as () => Promise<unknown>)()
    await call()
    t.equal(health.describe(), 'up')
    t.strictSame([log, up], [[], []], 'nothing is new')
    fail(new StoreError('gone'))
    await t.rejects(call(), { message: 'gone' })
    await t.rejects(call(), { message: 'gone' })
    t.match(
      health.describe(),
      /^away since 1970-01-01T00:00:01.500Z \(gone\): the last weights are served/,
    )
    fail(null)
    await call()
    t.equal(health.describe(), 'up')
    t.strictSame(up, [false, true])
    t.match(log, [
      ['error', { err: { message: 'gone' } }, /the store is away/],
      ['info', { seconds: 0.5, failed: 2 }, 'the store is back'],
    ])
    t.equal(log.length, 2)
  }
})

t.test('it says why it is away, and when it is back without its data what to do', async (t) => {
  const { health, log, up, watched, fail } = setUp()
  const cause = new Error('no connection to Redis')
  fail(new StoreError('cannot read: no connection to Redis', { cause }))
  await t.rejects(watched.readRevision('m'))
  t.equal(
    health.describe(),
    'away since 1970-01-01T00:00:01.500Z (no connection to Redis): the last weights are served, no rollout moves, ' +
      'feedback is refused; rollouts go on by themselves when it is back',
  )
  fail(new StoreLostError('cannot take the lease: LOST the data'))
  await t.rejects(watched.acquireLease('a', 1, 0))
  await t.rejects(watched.acquireLease('a', 1, 0))
  t.equal(
    health.describe(),
    'without its data (LOST) since 1970-01-01T00:00:01.500Z: the last weights are served and no rollout moves; ' +
      'start the gateways anew to begin afresh',
  )
  t.strictSame(up, [false])
  const messages = log.map(([level, , message]) => `${level} ${message}`)
  t.match(messages, [/^error the store is away/, 'error the store is back without its data'])
  t.equal(messages.length, 2, 'each is said once')
})

t.test(
  'a store that can be read alone is not back, nor one that had nothing to write',
  async (t) => {
    const { health, log, up, store, watched, fail } = setUp()
    fail(new StoreError('gone'))
    await t.rejects(watched.readRevision('m'), { message: 'gone' }, 'which tells that it goes')
    t.strictSame(up, [false])
    fail(null)
    await watched.readRevision('m')
    const answers = Object.assign(store, {
      commit: async () => ({ ok: false, reason: 'fenced' }) as const,
      acquireLease: async () => null,
    })
    const others = health.watched(answers)
    await others.commit({} as Parameters<Store['commit']>[0])
    await others.acquireLease('b', 1000, 0)
    t.match(health.describe(), /^away since/)
    t.strictSame([log.length, up], [1, [false]])
    await watched.putPredictions([])
    t.strictSame(up, [false, true])
  },
)

t.test('an error that is not of the store does not say that it is away', async (t) => {
  const { health, up, watched, fail } = setUp()
  fail(new TypeError('a mistake'))
  await t.rejects(watched.readRevision('m'), { message: 'a mistake' })
  t.equal(health.describe(), 'up')
  t.strictSame(up, [])
})

t.test(
  'what fails because the store is away is a matter of debugging, all else an error',
  async (t) => {
    const { health, log, watched, fail } = setUp()
    health.report('tick', new StoreError('once'))
    fail(new StoreError('gone'))
    await t.rejects(watched.readRevision('m'))
    health.report('tick', new StoreError('gone'))
    health.report('tick', new Error('another'))
    t.strictSame(
      log.map(([level, , message]) => `${level}: ${message}`),
      [
        'error: tick failed',
        'error: the store is away: the last weights are served, no rollout moves',
        'debug: tick failed',
        'error: tick failed',
      ],
    )
  },
)
