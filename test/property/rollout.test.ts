import { fc } from '../support/fast-check.ts'
import t from 'tap'
import { PHASES, type Command } from '../../src/domain/decision.ts'
import type { RolloutPhase, RolloutState } from '../../src/domain/rollout-state.ts'
import type { Observation } from '../../src/rollout/observation.ts'
import { isBlueGreen, watchWeight, type RolloutPlan } from '../../src/rollout/plan.ts'
import { NO_PAST, reconcile } from '../../src/rollout/reconcile.ts'
import { step } from '../../src/rollout/step.ts'
import { viewOf } from '../../src/rollout/view.ts'
import { percentsOf, weightsOf } from '../../src/rollout/weights.ts'
import { command, confirmedPlan, harmed, NOW, plan, report, seen, state } from '../fakes/rollout.ts'
import { ERRORS, RMSE, weightSteps } from '../fakes/simulated-service.ts'

const PAUSE = { kind: 'pause', durationMs: null } as const
const BLUE_GREEN = plan({
  spec: {
    strategy: 'blue-green',
    steps: [
      { kind: 'pause', durationMs: 5000 },
      PAUSE,
      { kind: 'weight', weightBp: 10_000, minDurationMs: 0, minRequests: 0 },
    ],
  },
})
const PLANS: readonly RolloutPlan[] = [
  plan(),
  plan({ spec: { steps: weightSteps([50, 100]), onInconclusive: 'rollback' } }, true),
  plan({
    spec: {
      steps: [
        PAUSE,
        ...weightSteps([5]),
        { kind: 'pause', durationMs: 5000 },
        ...weightSteps([50, 100]),
      ],
      onInconclusive: 'promote',
    },
    analysis: { metrics: [ERRORS, RMSE] },
  }),
  BLUE_GREEN,
  plan({ spec: { steps: weightSteps([50, 100]), holdbackBp: 1000 } }),
  confirmedPlan({
    spec: {
      steps: [
        ...weightSteps([50]),
        { kind: 'pause', durationMs: 5000 },
        { kind: 'weight', weightBp: 10_000, minDurationMs: 0, minRequests: 0 },
      ],
      onInconclusive: 'promote',
    },
  }),
]

const weight = fc.integer({ min: 0, max: 10_000 })
const past = fc.integer({ min: 0, max: 7_200_000 }).map((ms) => NOW - ms)
const health = fc.record({
  ready: fc.boolean(),
  downForMs: fc.constantFrom(0, 9999, 10_000),
  failing: fc.boolean(),
})
const log = fc.record({ log: fc.constantFrom(-1, 0, 2.9, 3, 9), threshold: fc.constant(3) })
const limit = fc.option(
  fc.record({
    max: fc.constant(0.01),
    ticksBeyond: fc.constantFrom(0, 1),
    baselineBeyond: fc.boolean(),
    tooFew: fc.boolean(),
  }),
)
const metric = fc
  .record({
    name: fc.constantFrom('errors', 'rmse', 'rmse/above-cap', 'no-answer', 'client-error'),
    verdict: fc.constantFrom('successful', 'inconclusive', 'failed', 'error'),
    required: fc.boolean(),
    onFailure: fc.constantFrom('rollback', 'pause', 'warn'),
    limit,
    stepCanaryN: fc.constantFrom(0, 500),
    evidence: fc.record({
      harm: log,
      nonInferiority: log,
      stepNonInferiority: fc.option(log),
      stepHarm: fc.option(log),
    }),
  })
  .map((change) => {
    // A failed report has either harm shown or a limit broken.
    const isLimit = change.limit !== null
    const harm =
      change.verdict === 'failed' && !isLimit ? { log: 9, threshold: 3 } : change.evidence.harm
    return report({ ...change, evidence: { ...change.evidence, harm } } as never)
  })

const observation: fc.Arbitrary<Observation> = fc
  .record({
    reports: fc.uniqueArray(metric, { selector: (r) => r.name, maxLength: 4 }),
    ratioMismatch: log,
    tripped: fc.boolean(),
    baseline: health,
    canary: health,
    stepCanaryUnits: fc.constantFrom(0, 99, 100),
    lastRequestAt: fc.option(past),
    confirmation: fc.constantFrom('not-asked', 'given', 'refused'),
  })
  .map(({ tripped, ...change }) => seen({ ...change, breaker: { ...seen().breaker, tripped } }))

function phaseOf(of: RolloutPlan): fc.Arbitrary<RolloutState> {
  const index = fc.integer({ min: 0, max: of.steps.length - 1 })
  const weights = of.steps.flatMap((s, i) =>
    s.kind === 'weight' && s.weightBp < 10_000 ? [i] : [],
  )
  const common = fc.record({
    startedAt: past,
    stepEnteredAt: past,
    pausedMs: fc.constantFrom(0, 9000),
    acknowledged: fc.subarray(['errors', 'rmse']),
    holdReason: fc.constantFrom(null, 'inconclusive'),
  })
  const phases: fc.Arbitrary<readonly [RolloutPhase, Partial<RolloutState>]>[] = [
    fc
      .constantFrom('canary-not-ready', 'manual-start')
      .map((idleReason) => [{ phase: 'idle', idleReason } as const, { step: 0, weightBp: 0 }]),
    fc
      .tuple(
        index,
        weight,
        fc.constantFrom('operator', 'metric', 'ratio-mismatch', 'baseline', 'override'),
        past,
      )
      .map(([i, weightBp, pausedBy, pausedAt]) => [
        {
          phase: 'paused',
          pausedBy,
          pausedAt,
          resumeAt: null,
          pausedMetric: pausedBy === 'metric' ? 'errors' : null,
        } as RolloutPhase,
        { step: i, weightBp },
      ]),
    past.map((at) => [
      { phase: 'watching', watchUntil: at + 60_000 } as const,
      { step: of.steps.length - 1, weightBp: watchWeight(of) },
    ]),
    past.map((promotedAt) => [
      { phase: 'promoted', promotedAt } as const,
      { step: of.steps.length - 1, weightBp: 10_000 },
    ]),
    past.map((rolledBackAt) => [
      { phase: 'rolled-back', rolledBackAt, rolledBackReason: 'errors' } as const,
      { step: 0, weightBp: 0 },
    ]),
  ]
  if (weights.length > 0) {
    const below = fc.tuple(fc.constantFrom(...weights), fc.integer({ min: 1, max: 9999 }))
    phases.push(
      below.map(([i, weightBp]) => [{ phase: 'progressing' } as const, { step: i, weightBp }]),
    )
  }
  const pauses = of.steps.flatMap((s, i) => (s.kind === 'pause' ? [[s, i] as const] : []))
  if (pauses.length > 0) {
    phases.push(
      fc.constantFrom(...pauses).map(([s, i]) => [
        {
          phase: 'paused',
          pausedBy: s.durationMs === null ? 'approval' : 'timer',
          pausedAt: NOW - 9000,
          resumeAt: s.durationMs === null ? null : NOW - 1,
          pausedMetric: null,
        } as RolloutPhase,
        { step: i, weightBp: isBlueGreen(of) ? 0 : 500 },
      ]),
    )
  }
  return fc
    .tuple(fc.oneof(...phases), common)
    .map(([[phase, change], rest]) =>
      state(phase, { fingerprint: of.fingerprint, ...rest, ...change }),
    )
}

const situation = fc
  .constantFrom(...PLANS)
  .chain((of) => fc.tuple(fc.constant(of), phaseOf(of), observation))

const order: fc.Arbitrary<Command> = fc
  .tuple(
    fc.constantFrom('promote', 'abort', 'pause', 'resume', 'retry', 'undo', 'weights' as const),
    fc.record({ full: fc.boolean(), force: fc.boolean(), canaryBp: weight }),
  )
  .map(([verb, change]) => command(verb as Command['verb'], change))

t.test('An ended rollout is left by nothing but a command.', async () => {
  fc.assert(
    fc.property(situation, ([of, before, observed]) => {
      const { state: after, decision } = step(of, before, observed)
      const ended = before.phase === 'promoted' || before.phase === 'rolled-back'
      return !ended || (after === before && decision === null)
    }),
    { numRuns: 500 },
  )
})

t.test(
  'Whatever is seen or ordered, the weights are the whole and the step is one of the plan.',
  async () => {
    fc.assert(
      fc.property(situation, fc.option(order), ([of, before, observed], asked) => {
        const result =
          asked === null ? step(of, before, observed) : step(of, before, observed, asked)
        if ('refused' in result) return result.detail.length > 0
        const { state: after } = result
        const { baseline, canary } = weightsOf(after)
        const percents = percentsOf(after)
        const atRest =
          after.phase === 'idle' || after.phase === 'rolled-back' ? after.weightBp === 0 : true
        const atTop =
          after.phase === 'watching'
            ? after.weightBp === watchWeight(of)
            : after.phase !== 'promoted' || after.weightBp === 10_000
        return (
          baseline + canary === 10_000 &&
          baseline >= 0 &&
          canary >= 0 &&
          Math.abs(percents.baseline + percents.canary - 100) < 1e-9 &&
          of.steps[after.step] !== undefined &&
          PHASES.includes(after.phase) &&
          atRest &&
          atTop
        )
      }),
      { numRuns: 2000 },
    )
  },
)

t.test('A change has one revision more, and a decision is always a change.', async () => {
  fc.assert(
    fc.property(situation, fc.option(order), ([of, before, observed], asked) => {
      const result = asked === null ? step(of, before, observed) : step(of, before, observed, asked)
      if ('refused' in result) return true
      const { state: after, decision } = result
      if (decision === null) return after === before
      return after.revision === before.revision + 1 && decision.summary.length > 0
    }),
    { numRuns: 2000 },
  )
})

t.test(
  'No pause, approval or watch keeps a rollback away while the baseline is well.',
  async () => {
    const alarms: Partial<Observation>[] = [
      { reports: [harmed()] },
      { breaker: { ...seen().breaker, tripped: true } },
      { canary: { ready: false, downForMs: 10_000, failing: false } },
    ]
    const well = { ready: true, downForMs: 0, failing: false }
    fc.assert(
      fc.property(situation, fc.constantFrom(...alarms), ([of, before, observed], alarm) => {
        if (!['progressing', 'paused', 'watching'].includes(before.phase)) return true
        const alarmed = { ...observed, ...alarm, baseline: well }
        const { state: after, decision } = step(of, { ...before, acknowledged: [] }, alarmed)
        return (
          after.phase === 'rolled-back' && after.weightBp === 0 && decision!.action === 'rollback'
        )
      }),
      { numRuns: 1000 },
    )
  },
)

t.test(
  'Nothing but a yes or a command leads to 100 % where a promotion is confirmed.',
  async () => {
    fc.assert(
      fc.property(situation, ([of, before, observed]) => {
        if (!of.confirmsPromotion || observed.confirmation === 'given') return true
        const after = step(of, before, observed).state
        return after.phase === before.phase || after.phase !== 'watching'
      }),
      { numRuns: 2000 },
    )
  },
)

t.test('Nobody is sent onto a baseline that is down or fails as badly.', async () => {
  fc.assert(
    fc.property(situation, ([of, before, observed]) => {
      const sick = { ready: true, downForMs: 0, failing: true }
      const { state: after } = step(of, before, { ...observed, baseline: sick })
      return after.phase !== 'rolled-back' || before.phase === 'rolled-back'
    }),
    { numRuns: 1000 },
  )
})

t.test('A state that was stored and read again decides as it would have.', async (t) => {
  fc.assert(
    fc.property(situation, ([of, before, observed]) => {
      const read = JSON.parse(JSON.stringify(before)) as RolloutState
      return JSON.stringify(step(of, before, observed)) === JSON.stringify(step(of, read, observed))
    }),
    { numRuns: 500 },
  )
  t.end()
})

t.test(
  'Any configuration takes up any state of the same versions, and it can be shown.',
  async () => {
    fc.assert(
      fc.property(situation, fc.constantFrom(...PLANS), ([, before], other) => {
        const next = reconcile(other, before, { now: NOW, past: NO_PAST, actor: 'ops' })
        if ('refused' in next) return false
        const { state: after, decision } = next
        viewOf(other, after, null, null)
        const grown = after === before || after.revision === before.revision + 1
        return (
          grown && other.steps[after.step] !== undefined && (decision === null || after !== before)
        )
      }),
      { numRuns: 1000 },
    )
  },
)

t.test('Blue-green is at 0 % or 100 %, and goes from one to the other by a decision.', async () => {
  const hour = 3_600_000
  const moment = fc.tuple(observation, fc.option(order), fc.integer({ min: 1, max: hour / 4 }))
  const begun = reconcile(BLUE_GREEN, null, { now: NOW, past: NO_PAST, actor: 'ops' })
  if ('refused' in begun) throw new Error(begun.detail)
  fc.assert(
    fc.property(fc.array(moment, { maxLength: 40 }), (life) => {
      let before = begun.state
      let now = NOW
      for (const [observed, asked, ms] of life) {
        now += ms
        const at = { ...observed, now, lastRequestAt: now }
        // Somebody who sets weights by hand has decided for something else.
        const by = asked === null || asked.verb === 'weights' ? null : asked
        const result = by === null ? step(BLUE_GREEN, before, at) : step(BLUE_GREEN, before, at, by)
        if ('refused' in result) continue
        const { state: after, decision } = result
        if (after.weightBp !== 0 && after.weightBp !== 10_000) return false
        if (after.weightBp !== before.weightBp) {
          if (decision === null) return false
          const isSwitch = after.weightBp === 10_000
          if (isSwitch && !decision.summary.includes('without comparative proof')) return false
        }
        before = after
      }
      return true
    }),
    { numRuns: 1000 },
  )
})
