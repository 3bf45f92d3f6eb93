import t from 'tap'
import type { MetricSpec, MirrorStepSpec, OnFailure } from '../../src/domain/rollout-spec.ts'
import {
  CLICKS,
  DRIFT,
  ERRORS,
  RMSE,
  rolloutSpec,
  service,
  weightSteps,
} from '../fakes/simulated-service.ts'
import { buildExperimentPlan } from '../../src/rollout/experiment-plan.ts'
import { threeWay } from '../fakes/experiment-world.ts'
import { planOf } from '../fakes/rollout.ts'

const MIRROR: MirrorStepSpec = {
  ...{ kind: 'mirror', share: 1, minDurationMs: 0 },
  ...{ minRequests: 1, maxBytes: 9, tolerance: 0.1 },
}

const OF = service(rolloutSpec({ analysis: { metrics: [ERRORS] } }))

t.test('replicas agree whose requests, readings and questions are the same', (t) => {
  const { sharingKey } = planOf(OF)
  t.match(sharingKey, /^[0-9a-f]{16}$/)
  t.equal(planOf(structuredClone(OF)).sharingKey, sharingKey)
  const other = [
    service(rolloutSpec({ analysis: { metrics: [ERRORS, RMSE] } })),
    service(rolloutSpec({ analysis: { metrics: [{ ...ERRORS, maxChange: 0.1 }] } })),
    service(rolloutSpec({ analysis: { metrics: [ERRORS] } }), true),
    { ...OF, failureStatuses: [503] },
    { ...OF, streamError: '/error' },
    { ...OF, streamError: '/detail' },
    { ...OF, match: { ...OF.match, path: '/é/*' } },
  ]
  const keys = new Set([sharingKey, ...other.map((each) => planOf(each).sharingKey)])
  t.equal(keys.size, other.length + 1)
  t.end()
})

t.test('a process of a version that bets otherwise on a ratio takes no part in it', (t) => {
  const keyOf = (metric: MetricSpec) =>
    planOf(service(rolloutSpec({ analysis: { metrics: [metric] } }))).sharingKey
  t.equal(keyOf(ERRORS), 'c95437e0e4f13531', 'that of versions without a lift')
  t.not(keyOf(CLICKS), '4c234d8be2ea9eac')
  t.end()
})

t.test('what only concerns who is told, or when a step ends, makes no difference', (t) => {
  const spec = rolloutSpec({ analysis: { metrics: [ERRORS] }, spec: { maxDurationMs: 1 } })
  t.equal(planOf(service(spec)).sharingKey, planOf(OF).sharingKey)
  t.end()
})

t.test('whether harm pauses or rolls back makes no difference', (t) => {
  const metrics = [ERRORS, RMSE, DRIFT]
  const keyOf = (onFailure: OnFailure, kind = 'weight') => {
    const analysis = { metrics: metrics.map((metric) => ({ ...metric, onFailure })) }
    const steps = [...(kind === 'mirror' ? [MIRROR] : []), ...weightSteps([5, 100])]
    return planOf(service(rolloutSpec({ spec: { steps }, analysis }))).sharingKey
  }
  t.equal(keyOf('pause'), keyOf('rollback'))
  t.equal(keyOf('pause', 'mirror'), keyOf('rollback', 'mirror'))
  t.not(keyOf('warn'), keyOf('rollback'), 'what only warns has no share of α: another attempt')
  const compared = (onFailure: OnFailure) =>
    buildExperimentPlan(threeWay([{ ...ERRORS, onFailure }]), 'hash')!.comparisons[0]!.plan
  t.equal(compared('pause').sharingKey, compared('rollback').sharingKey)
  t.end()
})

t.test('in mirror steps they agree on what is copied, and when two answers are the same', (t) => {
  const keyOf = (change: object, metrics = [ERRORS]) => {
    const steps = [{ ...MIRROR, ...change }, ...weightSteps([5, 100])]
    return planOf(service(rolloutSpec({ spec: { steps }, analysis: { metrics } }))).sharingKey
  }
  t.equal(keyOf({}), keyOf({ minDurationMs: 9, minRequests: 9 }))
  const different = [{}, { share: 0.5 }, { maxBytes: 8 }, { tolerance: 0.2 }].map((c) => keyOf(c))
  const keys = new Set([...different, keyOf({}, [{ ...ERRORS, maxChange: 0.1 }])])
  t.equal(keys.size, 5)
  t.end()
})
