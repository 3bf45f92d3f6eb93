import t from 'tap'
import type { MetricReport } from '../../src/domain/verdict.ts'
import { step } from '../../src/rollout/step.ts'
import { command, harmed, moved, plan, report, seen, state } from '../fakes/rollout.ts'
import { weightSteps } from '../fakes/simulated-service.ts'

const UNJUDGED = { baseline: { value: null, n: 0 }, canary: { value: null, n: 0 } }

/** What is said of a command that is given with these reports. */
function said(
  verb: 'promote' | 'weights',
  change: object,
  reports: readonly MetricReport[],
  { of = plan(), at = state() } = {},
): string {
  return moved(step(of, at, seen({ reports }), command(verb, change))).decision!.summary
}

const FULL = { full: true }

t.test('who gives the canary more before it was judged is told so', (t) => {
  const reports = [report(UNJUDGED)]
  const none = ' The canary has not been judged yet: 0 requests.'
  t.equal(said('promote', FULL, reports), `ops promoted 2.0 to 100 %, past the evidence.${none}`)
  t.equal(said('promote', {}, reports), `ops moved 2.0 to 20 %, past the evidence.${none}`)
  t.equal(
    said('weights', { canaryBp: 5000 }, reports),
    `ops set the canary to 50 % and so paused the rollout.${none}`,
  )
  t.match(said('promote', FULL, []), none)
  t.match(said('promote', FULL, reports, { of: plan({}, true) }), /judged yet: 0 keys\.$/)
  t.end()
})

t.test('what pairs and other systems say is no judgement of what users got', (t) => {
  const others = [
    report({ kind: 'prometheus' }),
    report({ kind: 'http' }),
    report({ kind: 'disagreement' }),
    report({ name: 'errors/mirror' }),
  ]
  for (const other of others) t.match(said('promote', FULL, [other]), /not been judged yet/)
  t.notMatch(said('promote', FULL, [...others, report()]), /judged yet/)
  t.end()
})

t.test('who gives the canary more while evidence of harm grows is told so', (t) => {
  const harm = (log: number, change: Partial<MetricReport> = {}) => {
    const base = report()
    return report({ evidence: { ...base.evidence, harm: { log, threshold: 3 } }, ...change })
  }
  const grown = harm(Math.log(12))
  t.match(
    said('promote', FULL, [grown]),
    / Evidence that it is worse: errors at 12 : 1 \(20 : 1 decides\)\.$/,
  )
  t.match(
    said('promote', FULL, [harmed({ onFailure: 'pause' }), harm(2, { name: 'rmse' })]),
    / errors at 148 : 1 \(20 : 1 decides\); rmse at 7\.39 : 1 \(20 : 1 decides\)\.$/,
  )
  t.notMatch(said('promote', FULL, [harm(1.4)]), /worse/, 'not half of the way')
  t.notMatch(said('promote', FULL, [harm(2, { onFailure: 'warn' })]), /worse/)
  const { evidence } = report()
  t.notMatch(said('promote', FULL, [report({ evidence: { ...evidence, harm: null } })]), /worse/)
  const acknowledged = state(undefined, { acknowledged: ['errors'] })
  t.notMatch(said('promote', FULL, [grown], { at: acknowledged }), /worse/, 'it was resumed past')
  t.end()
})

t.test('nothing of it is said where the canary gets no more, or its first weight', (t) => {
  const reports = [report(UNJUDGED)]
  t.notMatch(said('weights', { canaryBp: 100 }, reports), /judged/)
  const idle = { phase: 'idle', idleReason: 'manual-start' } as const
  t.notMatch(said('promote', {}, reports, { at: state(idle, { weightBp: 0 }) }), /judged/)
  const steps = [
    ...weightSteps([5]),
    { kind: 'pause', durationMs: null } as const,
    ...weightSteps([100]),
  ]
  t.notMatch(said('promote', {}, reports, { of: plan({ spec: { steps } }) }), /judged/)
  const more = state(undefined, { weightBp: 3000 })
  t.notMatch(said('promote', {}, reports, { at: more }), /judged/, 'it had more by hand')
  t.end()
})
