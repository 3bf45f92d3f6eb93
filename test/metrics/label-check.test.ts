import t from 'tap'
import { LabelCheck } from '../../src/metrics/label-check.ts'
import { rolloutSpec, service } from '../fakes/simulated-service.ts'
import { samplePrediction } from '../store/samples.ts'

t.test(
  'Labels that come too late are counted by attempt, of which the last four are kept.',
  (t) => {
    const labels = new LabelCheck(service(rolloutSpec()), null)
    const come = (rollout: string, late = false) =>
      labels.check(samplePrediction({ rollout }), 1, late, 0)
    come('1->2#1')
    come('1->2#1', true)
    t.same(labels.arrivalsOf('1->2#1'), { labels: 2, late: 1 })
    t.same(labels.arrivalsOf('1->2#2'), { labels: 0, late: 0 })
    for (const attempt of [2, 3, 4]) come(`1->2#${attempt}`)
    const reloaded = new LabelCheck(service(rolloutSpec()), labels)
    t.same(reloaded.arrivalsOf('1->2#1'), { labels: 2, late: 1 }, 'a reload keeps them')
    come('1->2#5')
    t.same(reloaded.arrivalsOf('1->2#1'), { labels: 0, late: 0 })
    t.same(reloaded.arrivalsOf('1->2#2'), { labels: 1, late: 0 })
    t.end()
  },
)
