import { setImmediate as nextTurn } from 'node:timers/promises'
import t from 'tap'
import { createNotifications } from '../src/notifications.ts'
import { createPredictionExpiry } from '../src/prediction-expiry.ts'
import { StoreAwayError } from '../src/store/store-error.ts'
import { MemoryStore } from './fakes/memory-store.ts'
import { hook } from './fakes/rollout.ts'
import { ManualClock } from './fakes/simulated-service.ts'

/** A log that keeps the level and the text of each line, those for debugging left out. */
function createKeptLog() {
  const lines: string[] = []
  const at = (level: string) => (first: unknown, text?: string) =>
    void lines.push(`${level} ${text ?? String(first)}`)
  const log = { info: at('info'), warn: at('warn'), error: at('error'), debug: () => {} }
  return { lines, log: log as never }
}

const AWAY = new StoreAwayError('connection refused')

t.test('Predictions that do not expire are told once, and so is that they do again.', async (t) => {
  const { lines, log } = createKeptLog()
  let failure: Error | null = AWAY
  let isStoreTold = false
  const { start } = createPredictionExpiry({
    store: {
      expirePredictions: async () => {
        if (failure !== null) throw failure
        return { expired: 0, evicted: 0 }
      },
    },
    ...{ clock: new ManualClock(), log, isStoreTold: () => isStoreTold },
  })
  let runAgain = () => {}
  const end = start((run) => {
    runAgain = run
    return () => (runAgain = () => {})
  })
  const minute = async () => {
    runAgain()
    await nextTurn()
    return lines.splice(0)
  }
  t.same(await minute(), ['warn predictions do not expire while the store fails'])
  isStoreTold = true
  t.same(await minute(), [])
  isStoreTold = false
  t.same(await minute(), [])
  failure = null
  t.same(await minute(), ['info predictions expire again'])
  t.same(await minute(), [])
  ;[failure, isStoreTold] = [AWAY, true]
  t.same(await minute(), [], 'the log says already that the store is away')
  failure = null
  t.same(await minute(), [])
  failure = new TypeError('broken')
  t.same(await minute(), ['error predictions did not expire'])
  t.same(await minute(), ['error predictions did not expire'])
  end()
  t.same(await minute(), [])
})

t.test('Notifications that wait for the store are told once for all webhooks.', async (t) => {
  const { lines, log } = createKeptLog()
  const store = new MemoryStore()
  const clock = new ManualClock()
  let failure: Error | null = AWAY
  const { decisions } = store
  store.decisions = async (service, page) => {
    if (failure !== null) throw failure
    return decisions.call(store, service, page)
  }
  const notifications = createNotifications({
    ...{ store, clock, log, draw: () => 0.5, leads: () => true, isStoreTold: () => false },
    metrics: { countNotification: () => {}, countConfirmation: () => {} },
  })
  t.teardown(notifications.close)
  const notify = [
    hook({ url: 'http://h/1', on: ['advanced'] }),
    hook({ url: 'http://h/2', on: ['advanced'] }),
  ]
  await notifications.follow([{ name: 'svc', notify } as never])
  const wake = async () => {
    clock.ms += 3_600_000
    notifications.wake('svc')
    await nextTurn()
    return lines.splice(0)
  }
  t.same(await wake(), ['warn notifications wait for the store'])
  t.same(await wake(), [])
  failure = null
  t.same(await wake(), ['info notifications wait for the store no more'])
  t.same(await wake(), [])
  failure = new TypeError('broken')
  t.same(await wake(), Array(2).fill('error notifications could not be sent'))
})
