import t from 'tap'
import { ServiceBook } from '../src/metrics/service-recorder.ts'
import { viewOf } from '../src/rollout/view.ts'
import { createServiceLook } from '../src/service-look.ts'
import { plan, report, seen, state } from './fakes/rollout.ts'
import { ManualClock, RMSE, rolloutSpec, service } from './fakes/simulated-service.ts'
import { samplePrediction } from './store/samples.ts'

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

t.test('labels that do not come are told by who decides, who hears of those of the others', (t) => {
  const clock = new ManualClock()
  const of = service(rolloutSpec({ analysis: { metrics: [RMSE] } }))
  const book = new ServiceBook({ service: of, clock, remember: () => {}, previous: null })
  const targets = new Map(of.variants.map(({ name }) => [name, { upstreams: [] }]))
  const runtime = { service: of, targets, split: { weightsBp: {} } }
  const live = {
    ...{ plans: new Map(), books: new Map([['svc', book]]) },
    snapshot: { runtimes: new Map([['svc', runtime]]) },
  }
  const evaluator = { view: () => null, experiment: () => null, untakenOf: () => null }
  const silenceFor = (lead: string | null, labelledAt = new Map<string, number>()) =>
    createServiceLook({
      live: () => live as never,
      evaluator: () =>
        ({
          ...{ ...evaluator, replicasOf: () => null, unstoredOf: () => null },
          ...{ deciding: () => (lead === null ? null : { lead }), replicas: { labelledAt } },
        }) as never,
      ...{ clock, trouble: () => [], others: null },
    }).status('svc')!.labelSilence
  const request = (value: number | null) => {
    const draw = { variant: 'baseline', reason: 'random', unit: null } as const
    const none = { suppressed: false, keyMissing: false, overrideRefused: false }
    const ticket = book.begin({ ...draw, ...none }, 'r')
    book.end(ticket, 'ok', 200, 5)
    book.predicted(ticket, value)
  }
  const requests = (minutes: number, value: number | null = 1) => {
    for (const end = clock.ms + minutes * 60_000; clock.ms < end; clock.ms += 30_000) request(value)
  }
  requests(120, null)
  t.equal(silenceFor('here'), null, 'nothing that a label could come for')
  requests(120)
  const since = clock.ms
  book.labelled(samplePrediction({ at: since }), 1)
  t.equal(silenceFor('here'), null)
  requests(50)
  book.labelled(samplePrediction({ at: since }), 1, true)
  t.match(silenceFor('here'), { since, usualMs: 0, late: 1, at: clock.ms })
  t.match(silenceFor('unknown'), { since })
  t.match(silenceFor(null), { since })
  t.equal(silenceFor('elsewhere'), null, 'that one hears of more than this one knows')
  const heard = new Map([['svc', clock.monotonic() - 60_000]])
  t.equal(silenceFor('here', heard), null)
  for (let minute = 0; minute < 50; minute++) {
    clock.ms += 60_000
    book.servedElsewhere(clock.ms)
  }
  t.match(silenceFor('here', heard), { since: clock.ms - 51 * 60_000 }, 'requests elsewhere count')
  t.end()
})
