import t from 'tap'
import { LabelCheck } from '../src/metrics/label-check.ts'
import { createLabelBooking, createLabelShow } from '../src/show-label.ts'
import { rolloutSpec, service } from './fakes/simulated-service.ts'
import { samplePrediction } from './store/samples.ts'

t.test('A label that a metric cannot score is told of, and warned of once in ten minutes.', (t) => {
  const warnings: unknown[] = []
  let now = 5
  const showLabel = createLabelShow({
    book: (service) =>
      service === 'gone' ? undefined : { labelled: (_, label) => (label === -1 ? ['loss'] : []) },
    clock: { monotonic: () => now },
    log: { warn: (fields: unknown, message: unknown) => void warnings.push([fields, message]) },
  })
  const [here, there] = [samplePrediction({ value: 0.8 }), samplePrediction({ service: 'other' })]
  t.equal(showLabel(here, 1), true)
  t.equal(showLabel(samplePrediction({ service: 'gone' }), -1), true)
  t.same(warnings, [])
  t.equal(showLabel(here, -1), false)
  t.equal(showLabel(here, -1), false)
  const fields = { service: here.service, metrics: ['loss'], label: -1, prediction: 0.8 }
  t.same(warnings.splice(0), [[fields, 'a label cannot be scored']])
  showLabel(there, -1)
  t.match(warnings.splice(0), [[{ service: 'other' }]], 'each service for itself')
  now += 599_999
  showLabel(here, -1)
  t.same(warnings, [])
  now += 1
  showLabel(here, -1)
  t.equal(warnings.length, 1)
  t.end()
})

t.test(
  'Labels that come too late are counted by attempt, of which the last four are kept.',
  (t) => {
    const labels = new LabelCheck(service(rolloutSpec()), null)
    const evaluator = {
      label: (_: unknown, label: number) =>
        ({ result: label < 0 ? 'late' : 'joined', changed: null }) as const,
    }
    const book = createLabelBooking(evaluator, (name) => (name === 'gone' ? undefined : { labels }))
    const of = (rollout: string) => samplePrediction({ rollout })
    t.equal(book(of('1->2#1'), 5).result, 'joined')
    t.equal(book(of('1->2#1'), -5).result, 'late')
    t.equal(book(samplePrediction({ service: 'gone' }), -5).result, 'late')
    t.same(labels.arrivalsOf('1->2#1'), { labels: 2, late: 1 })
    t.same(labels.arrivalsOf('1->2#2'), { labels: 0, late: 0 })
    for (const attempt of [2, 3, 4]) book(of(`1->2#${attempt}`), 1)
    const reloaded = new LabelCheck(service(rolloutSpec()), labels)
    t.same(reloaded.arrivalsOf('1->2#1'), { labels: 2, late: 1 }, 'a reload keeps them')
    book(of('1->2#5'), 1)
    t.same(reloaded.arrivalsOf('1->2#1'), { labels: 0, late: 0 })
    t.same(reloaded.arrivalsOf('1->2#2'), { labels: 1, late: 0 })
    t.end()
  },
)
