import t from 'tap'
import { ServiceBook } from '../src/metrics/service-recorder.ts'
import { viewOf } from '../src/rollout/view.ts'
import { createServiceLook } from '../src/service-look.ts'
import { plan, report, seen, state } from './fakes/rollout.ts'
import { ManualClock, rolloutSpec, service } from './fakes/simulated-service.ts'

t.test('the history has no traffic where other processes of the gateway have some too', (t) => {
  const clock = new ManualClock()
  const of = service(rolloutSpec())
  const book = new ServiceBook({ service: of, clock, remember: () => {}, previous: null })
  const runtime = { service: of, targets: new Map() }
  const live = {
    ...{ plans: new Map([['svc', plan()]]), books: new Map([['svc', book]]) },
    snapshot: { runtimes: new Map([['svc', runtime]]) },
  }
  const view = viewOf(plan(), state(), seen(), null)
  const historyBeside = (others: Parameters<typeof createServiceLook>[0]['others']) => {
    const look = createServiceLook({
      live: () => live as never,
      evaluator: () => ({ view: () => view }) as never,
      ...{ clock, trouble: () => [], others },
    })
    look.note(state(), [report()])
    return look.history('svc')!
  }
  t.same([...historyBeside(null).traffic.keys()], ['baseline', 'canary'])
  const beside = historyBeside({ figures: async () => [] })
  t.same([...beside.traffic.keys()], [], 'one that went over to that of all would leap')
  t.same([...beside.metrics.keys()], ['errors'])
  t.end()
})
