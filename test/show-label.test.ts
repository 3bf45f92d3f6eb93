import t from 'tap'
import { createLabelShow } from '../src/show-label.ts'
import { samplePrediction } from './store/samples.ts'

t.test('A label that a metric cannot score is told of, and warned of once in ten minutes.', (t) => {
  const warnings: unknown[] = []
  const late: boolean[] = []
  let now = 5
  const labelled = (_: unknown, label: number, isLate = false) => {
    late.push(isLate)
    return label === -1 ? ['loss'] : []
  }
  const showLabel = createLabelShow({
    book: (service) => (service === 'gone' ? undefined : { labelled }),
    clock: { monotonic: () => now },
    log: { warn: (fields: unknown, message: unknown) => void warnings.push([fields, message]) },
  })
  const [here, there] = [samplePrediction({ value: 0.8 }), samplePrediction({ service: 'other' })]
  t.equal(showLabel(here, 1, 'joined'), true)
  t.equal(showLabel(here, 1, 'late'), true)
  t.same(late, [false, true])
  t.equal(showLabel(samplePrediction({ service: 'gone' }), -1, 'joined'), true)
  t.same(warnings, [])
  t.equal(showLabel(here, -1, 'joined'), false)
  t.equal(showLabel(here, -1, 'joined'), false)
  const fields = { service: here.service, metrics: ['loss'], label: -1, prediction: 0.8 }
  t.same(warnings.splice(0), [[fields, 'a label cannot be scored']])
  showLabel(there, -1, 'joined')
  t.match(warnings.splice(0), [[{ service: 'other' }]], 'each service for itself')
  now += 599_999
  showLabel(here, -1, 'joined')
  t.same(warnings, [])
  now += 1
  showLabel(here, -1, 'joined')
  t.equal(warnings.length, 1)
  t.end()
})
