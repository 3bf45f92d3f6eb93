import t from 'tap'
import { addFaults, faultShareOf } from '../../src/evaluator/fault-shares.ts'
import { ServiceBook } from '../../src/metrics/service-recorder.ts'
import { quickService } from '../fakes/quick-rollout.ts'
import { ManualClock } from '../fakes/simulated-service.ts'
import { sampleState } from '../store/samples.ts'

t.test('failures and 4xx of several processes add up, by what they were', (t) => {
  const clock = new ManualClock()
  const service = quickService()
  const shareOf = (...statuses: number[]) => {
    const book = new ServiceBook({ service, clock, remember: () => {}, previous: null })
    for (const status of statuses) {
      const none = { suppressed: false, keyMissing: false, overrideRefused: false }
      const ticket = book.begin({ variant: 'canary', reason: 'random', unit: null, ...none }, 'r')
      book.end(ticket, status >= 500 ? 'failed' : 'ok', status, 1)
    }
    return { book, share: faultShareOf(sampleState(), book) }
  }
  t.equal(shareOf(200).share, null)
  t.match(shareOf(200, 404).share, { byCause: [], clientErrors: [[404, 1]] })
  const { book, share } = shareOf(503, 404, 404)
  t.match(addFaults(book, []), { byCause: new Map([[503, 1]]), clientErrors: new Map([[404, 2]]) })
  const both = addFaults(book, [share!, shareOf(500, 400).share!])
  t.strictSame(Object.fromEntries(both.byCause), { 500: 1, 503: 2 })
  t.strictSame(Object.fromEntries(both.clientErrors), { 400: 1, 404: 4 })
  t.end()
})
