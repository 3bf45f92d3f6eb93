import t from 'tap'
import type { Service } from '../../src/domain/service.ts'
import { describeUntaken } from '../../src/evaluator/plan-changes.ts'
import { reconcile, NO_PAST } from '../../src/rollout/reconcile.ts'
import { buildPlan } from '../../src/rollout/plan.ts'
import { hook, NOW } from '../fakes/rollout.ts'
import { ERRORS, rolloutSpec, service } from '../fakes/simulated-service.ts'

const OF = service(rolloutSpec({ analysis: { metrics: [ERRORS] } }))
const SEEN = { actor: 'configuration', past: NO_PAST, now: NOW }

/** What is told while the store is away, where it has the rollout of `OF` and the file here is another one. */
function untakenUnder(of: Service, concernKey: string | undefined): string | null {
  const before = reconcile(buildPlan(OF, 'hash-1')!, null, SEEN)
  if ('refused' in before) throw new Error('refused')
  const stored = { ...before.state, concernKey }
  const plan = buildPlan(of, 'hash-2')!
  const pending = reconcile(plan, stored, SEEN)
  if ('refused' in pending) throw new Error('refused')
  return describeUntaken(plan, { stored, pending, isUnsure: false }, false)
}

t.test('a file that differs in what does not concern the rollout waits for nothing', async (t) => {
  const { concernKey } = buildPlan(OF, 'hash-1')!
  t.equal(untakenUnder(OF, concernKey), null, 'in its ports, say')
  t.equal(untakenUnder({ ...OF, notify: [hook()] }, concernKey), null, 'in who is told')
  const confirming = { ...OF, notify: [hook({ confirmsPromotion: true })] }
  const longer = service(rolloutSpec({ analysis: { metrics: [ERRORS] }, spec: { watchMs: 77 } }))
  for (const of of [
    confirming,
    longer,
    { ...OF, failureStatuses: [503] },
    { ...OF, streamError: '/error' },
  ]) {
    t.match(untakenUnder(of, concernKey), /its rollout goes on by the new file when the store/)
  }
  t.match(untakenUnder(OF, undefined), /goes on by the new file/, 'as an earlier version stored it')
})
