import t from 'tap'
import type { Comparison } from '../../src/domain/comparison.ts'
import type { Service } from '../../src/domain/service.ts'
import { buildExperimentPlan } from '../../src/rollout/experiment-plan.ts'
import { attemptOf, tellEnd, writeExperiment } from '../../src/rollout/experiment-record.ts'
import { experimentId, reconcileExperiment } from '../../src/rollout/experiment.ts'
import { fakeMetric } from '../admin/fake-deps.ts'
import { threeWay } from '../fakes/experiment-world.ts'
import { ERRORS, LATENCY } from '../fakes/simulated-service.ts'

const BY = { now: 1000, actor: 'configuration' }
const planOf = (service: Service) => buildExperimentPlan(service, 'hash')!

function comparison(variant: string, verdict: Comparison['verdict']): Comparison {
  const report = fakeMetric()
  return {
    ...{ variant, verdict, expectedShare: 1 / 3, etaSeconds: null },
    metrics: [{ report, verdict, superiority: { log: -Infinity, threshold: 4 } }],
    units: { baseline: 700, challenger: 300 },
    ratioMismatch: { log: 0, threshold: 6.9 },
  }
}

t.test('the fingerprint of a state says which attempt it is of, and who was compared', (t) => {
  const attempt = (service: Service) => {
    const plan = planOf(service)
    const { state } = reconcileExperiment(plan, null, BY)
    return { plan, state, found: attemptOf(state) }
  }
  const { plan, state, found } = attempt(threeWay([ERRORS], false, { c: 2000, b: 1000 }))
  t.same(found!.challengers.toSorted(), ['b', 'c'])
  t.equal(found!.id, experimentId(plan, state), 'whatever the order of the weights')
  t.same(attempt(threeWay([ERRORS], false, { b: 1000, c: 0 })).found, {
    id: '1.4 vs B#1',
    challengers: ['b'],
  })
  const { experiment: _, ...silent } = threeWay([ERRORS])
  t.equal(attempt(silent).found, null, 'nothing is asked')
  const without = threeWay([ERRORS], false, { b: 5000, c: 5000 })
  t.equal(attempt(without).found, null, 'there is no baseline to compare with')
  t.end()
})

t.test('the end of an experiment is told by what begins, with what it had come to', (t) => {
  const { state } = reconcileExperiment(planOf(threeWay([ERRORS])), null, BY)
  const comparisons = [comparison('b', 'better'), comparison('c', 'unknown')]
  const ended = { id: '1.4 vs B vs C#1', startedAt: 1000, comparisons }
  const next = planOf(threeWay([ERRORS, LATENCY]))
  const transition = reconcileExperiment(next, state, { ...BY, now: 2000 })
  t.match(tellEnd(next, transition, ended, 'configuration'), {
    ended,
    resetEvidence: true,
    decision: {
      action: 'start',
      reason: 'configuration',
      actor: 'configuration',
      summary: '1.4 vs B vs C#1 has ended: b better, c not known yet; 1.4 vs B vs C#2 begins',
    },
  })
  const reported = { ...comparison('c', 'unknown') }
  const metrics = reported.metrics.map((m) => ({ ...m, report: fakeMetric({ required: false }) }))
  const shown = { ...ended, comparisons: [comparison('b', 'worse'), { ...reported, metrics }] }
  t.match(tellEnd(next, transition, shown, 'configuration').decision, {
    summary: /has ended: b worse, no metric decides on c; /,
  })
  const { experiment: _, ...silent } = threeWay([ERRORS])
  t.match(tellEnd(planOf(silent), transition, ended, 'configuration').decision, {
    summary: /nothing is compared any more$/,
  })
  const seed = { action: 'undo', reason: 'r', actor: 'a', note: null, summary: 's' } as const
  const undone = tellEnd(next, { ...transition, decision: seed }, ended, 'configuration')
  t.same([undone.decision, undone.ended], [seed, ended], 'what is decided is told as it is')
  t.same(tellEnd(next, transition, null, 'configuration'), { ...transition, ended: null })
  t.end()
})

t.test('a record is plain data, with every report worked out', (t) => {
  const lazy = Object.create(comparison('b', 'worse'), {}) as Comparison
  const written = writeExperiment({ id: 'x#1', startedAt: 5, comparisons: [lazy] })
  t.same(structuredClone(written), {
    ...{ id: 'x#1', startedAt: 5 },
    comparisons: [comparison('b', 'worse')],
  })
  t.end()
})
