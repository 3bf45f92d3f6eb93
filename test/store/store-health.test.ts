import t from 'tap'
import type { StoreState } from '../../src/domain/store-state.ts'
import { StoreError, StoreLostError } from '../../src/store/store-error.ts'
import { StoreHealth } from '../../src/store/store-health.ts'
import type { Store } from '../../src/store/store.ts'
import { MemoryStore } from '../fakes/memory-store.ts'
import { createFakeTimers } from './fake-timers.ts'

function setUp() {
  const memory = new MemoryStore()
  const log: [string, object, string][] = []
  const level = (name: string) => (fields: object, message: string) => {
    log.push([name, fields, message])
  }
  const states: StoreState[] = []
  let now = 1000
  const timers = createFakeTimers()
  const health = new StoreHealth({
    log: { debug: level('debug'), info: level('info'), warn: level('warn'), error: level('error') },
    now: () => (now += 500),
    setState: (state) => states.push(state),
    setTimer: timers.setTimer,
  })
  let error: Error | null = null
  const ask = <T>(answer: T) => (error === null ? Promise.resolve(answer) : Promise.reject(error))
  const store: Store = Object.assign(memory, {
    commit: () => ask({ ok: true, decision: null } as const),
    putPredictions: () => ask(undefined),
    report: () => ask(undefined),
    commitFeedback: () => ask({ labels: [], events: [] }),
    findPredictions: () => ask([]),
    acquireLease: () => ask({ holder: 'a', token: 1 }),
    readRevision: () => ask(7),
  })
  return {
    ...{ health, log, states, timers, store, watched: health.watched(store) },
    fail: (e: Error | null) => (error = e),
  }
}

const WRITES = ['commit', 'putPredictions', 'commitFeedback', 'report', 'acquireLease'] as const

t.test('each write that is repeated tells when the store goes and when it is back', async (t) => {
  for (const method of WRITES) {
    const { health, log, states, watched, fail } = setUp()
    const call = () => (watched[method] as () => Promise<unknown>)()
    await call()
    t.equal(health.describe(), 'up')
    t.strictSame([log, states], [[], []], 'nothing is new')
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
    t.strictSame(states, ['away', 'up'])
    t.match(log, [
      ['error', { err: { message: 'gone' } }, /the store is away/],
      ['info', { seconds: 0.5, failed: 2 }, 'the store is back'],
    ])
    t.equal(log.length, 2)
  }
})

t.test('it says why it is away, and when it is back without its data what to do', async (t) => {
  const { health, log, states, watched, fail } = setUp()
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
    'without its data (LOST) since 1970-01-01T00:00:01.500Z: the last weights are served, no rollout moves, ' +
      'feedback is refused; restore the data, or start the gateways anew to begin afresh',
  )
  t.strictSame(states, ['away', 'lost'])
  const messages = log.map(([level, , message]) => `${level} ${message}`)
  t.match(messages, [/^error the store is away/, /^error the store is without its data: the last/])
  t.equal(messages.length, 2, 'each is said once')
})

t.test(
  'a store that can be read alone is not back, nor one that had nothing to write',
  async (t) => {
    const { health, log, states, store, watched, fail } = setUp()
    fail(new StoreError('gone'))
    await t.rejects(watched.readRevision('m'), { message: 'gone' }, 'which tells that it goes')
    t.strictSame(states, ['away'])
    fail(null)
    await watched.readRevision('m')
    await watched.findPredictions([])
    const answers = Object.assign(store, {
      commit: async () => ({ ok: false, reason: 'fenced' }) as const,
      acquireLease: async () => null,
    })
    const others = health.watched(answers)
    await others.commit({} as Parameters<Store['commit']>[0])
    await others.acquireLease('b', 1000, 0)
    t.match(health.describe(), /^away since/)
    t.strictSame([log.length, states], [1, ['away']])
    await watched.putPredictions([])
    t.strictSame(states, ['away', 'up'])
  },
)

t.test(
  'a store that has lost its data stays so, whatever fails, until a write finds it',
  async (t) => {
    const { health, log, states, watched, fail } = setUp()
    fail(new StoreLostError('cannot save predictions: LOST the data'))
    await t.rejects(watched.putPredictions([]))
    fail(new StoreError('no answer within 2 s'))
    await t.rejects(watched.acquireLease('a', 1, 0))
    t.match(health.describe(), /^without its data \(LOST\) since 1970-01-01T00:00:01.500Z/)
    t.ok(health.isTold)
    t.strictSame(states, ['lost'])
    fail(null)
    await watched.readRevision('m')
    t.match(health.describe(), /^without its data/, 'what can be read is not what was lost')
    await watched.putPredictions([])
    t.equal(health.describe(), 'up')
    t.notOk(health.isTold)
    t.strictSame(states, ['lost', 'up'])
    t.match(log, [
      ['error', { err: { message: /LOST/ } }, /^the store is without its data: the last weights/],
      ['info', { failed: 2 }, 'the store is back'],
    ])
    t.equal(log.length, 2)
  },
)

t.test('an error that is not of the store does not say that it is away', async (t) => {
  const { health, states, watched, fail } = setUp()
  fail(new TypeError('a mistake'))
  await t.rejects(watched.readRevision('m'), { message: 'a mistake' })
  t.equal(health.describe(), 'up')
  t.strictSame(states, [])
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

t.test('what fails at every look is told once, and once more when it is over', async (t) => {
  const { health, log, timers } = setUp()
  const told = () => log.splice(0).map(([level, fields, text]) => [level, text, fields])
  const conflict = new Error('changed by another process')
  for (let look = 0; look < 40; look++) health.report('evaluation of m', conflict)
  health.report('evaluation of n', conflict)
  t.match(
    told().filter(([level]) => level !== 'debug'),
    [
      ['error', 'evaluation of m failed', { err: conflict }],
      ['error', 'evaluation of n failed', { err: conflict }],
    ],
  )
  t.strictSame(timers.delays(), [5000, 5000], 'it is over when it has not come again for so long')
  timers.fire()
  t.strictSame(told(), [['info', 'evaluation of m fails no longer', { times: 40 }]])
  health.report('evaluation of m', conflict)
  health.report('evaluation of m', new Error('another'))
  t.strictSame(
    told().map(([level]) => level),
    ['error', 'error'],
    'the next one is news, and so is another one',
  )
})
