import t from 'tap'
import { isMismatched, type Comparison } from '../../src/domain/comparison.ts'
import type { Service } from '../../src/domain/service.ts'
import { emptyEvidence } from '../../src/statistics/empty-evidence.ts'
import { compareVariants } from '../../src/rollout/compare-variants.ts'
import {
  comparisonState,
  draftExperimentDecision,
  experimentId,
  obeyExperiment,
  reconcileExperiment,
  weightsOf,
  winnerOf,
} from '../../src/rollout/experiment.ts'
import { betterId, buildExperimentPlan } from '../../src/rollout/experiment-plan.ts'
import { stay } from '../../src/rollout/transition.ts'
import { ERRORS, LATENCY, RMSE, rolloutSpec, service } from '../fakes/simulated-service.ts'

const SEEN = { now: 5000, isReady: () => true }
const BY = { actor: 'ops', note: null } as const

function split(
  change: Partial<Service> = {},
  weightsBp: Record<string, number> = { b: 2500, c: 2500 },
): Service {
  const base = service(null)
  const [baseline] = base.variants
  const named = (name: string, version: string) => ({ ...baseline!, name, version })
  return {
    ...base,
    variants: [baseline!, named('b', 'B'), named('c', 'C'), named('shadow', 'S')],
    split: { ...base.split, weightsBp },
    experiment: rolloutSpec({ analysis: { metrics: [ERRORS, RMSE, LATENCY] } }).analysis,
    ...change,
  }
}

const planOf = (s: Service) => buildExperimentPlan(s, 'hash')!
const begin = (s: Service) =>
  reconcileExperiment(planOf(s), null, { now: 1000, actor: 'configuration' })

t.test('α is shared over the challengers and the required hypotheses', (t) => {
  const { comparisons } = planOf(split())
  t.same(
    comparisons.map((c) => [c.variant, c.weightBp]),
    [
      ['b', 10_000 * (2500 / 7500)],
      ['c', 10_000 * (2500 / 7500)],
    ],
  )
  const { hypotheses } = comparisons[0]!.plan
  const required = hypotheses.filter((h) => h.required)
  t.same(
    required.map((h) => h.id),
    ['errors', 'rmse', 'rmse/above-cap', 'latency'],
  )
  for (const h of required) {
    t.equal(h.harm.alpha, 0.05 / 8)
    t.equal(h.proof!.alpha, 0.05 / 8)
  }
  t.equal(comparisons[0]!.reportAlpha, 0.05 / 8)
  t.equal(comparisons[0]!.ratioAlpha, 0.0005)
  const better = hypotheses.filter((h) => h.id.includes('/better'))
  t.same(
    better.map((h) => [h.id, h.proof!.ratio, h.proof!.floor, h.harm.alpha, h.required]),
    [
      ['errors/better', 1, 0, 0, false],
      ['rmse/better', 1, 0, 0, false],
      ['latency/better', 1, 0, 0, false],
    ],
  )
  t.match(better[2]!.source, { harmMargin: 0, proofMargin: 0 })
  t.equal(betterId({ ...required[0]!, id: 'errors@gold', segment: 'gold' }), 'errors/better@gold')
  t.end()
})

t.test('nothing is compared without an analysis, a share of the baseline, or a split', (t) => {
  t.equal(buildExperimentPlan(service(rolloutSpec()), 'hash'), null)
  t.equal(buildExperimentPlan(split({}, {}), 'hash'), null)
  const { experiment: _, ...silent } = split()
  t.same(planOf(silent).comparisons, [])
  t.same(planOf(split({}, { b: 5000, c: 5000 })).comparisons, [])
  t.same(
    planOf(split({}, { b: 5000, c: 0 })).comparisons.map((c) => c.variant),
    ['b'],
  )
  const reports = { ...split().experiment!, metrics: [{ ...ERRORS, mode: 'report' as const }] }
  const [only] = planOf(split({ experiment: reports }, { b: 100 })).comparisons
  t.equal(only!.reportAlpha, 0.05)
  t.end()
})

t.test('promote and undo move the split; all else is refused', (t) => {
  const plan = planOf(split())
  const { state } = begin(split())
  const ask = (command: object, from = state, seen = SEEN) =>
    obeyExperiment(plan, from, { ...BY, ...command } as never, seen)
  t.match(ask({ verb: 'pause' }), { refused: true, detail: /has no rollout/ })
  t.match(ask({ verb: 'undo' }), { detail: /nothing to undo/ })
  t.match(ask({ verb: 'promote', full: false }), { detail: /baseline, b, c, shadow/ })
  t.match(ask({ verb: 'promote', full: false, variant: 'shadw' }), {
    detail: /did you mean "shadow"/,
  })
  const down = { ...SEEN, isReady: () => false }
  t.match(ask({ verb: 'promote', full: false, variant: 'b' }, state, down), { detail: /full/ })
  t.match(ask({ verb: 'promote', full: true, variant: 'b' }, state, down), {
    state: { phase: 'promoted' },
  })
  const promoted = ask({ verb: 'promote', full: false, variant: 'baseline' })
  if ('refused' in promoted) throw new Error(promoted.detail)
  t.equal(winnerOf(plan, promoted.state), 'baseline')
  t.same(
    ask({ verb: 'promote', full: false, variant: 'baseline' }, promoted.state),
    stay(promoted.state),
  )
  t.match(ask({ verb: 'undo' }, promoted.state), {
    state: { phase: 'progressing', revision: 3 },
    decision: { summary: /back to baseline 50 %, b 25 %, c 25 %/ },
  })
  t.same(
    [weightsOf(plan, null), weightsOf(plan, 'baseline'), weightsOf(plan, 'b')],
    [{ b: 2500, c: 2500, shadow: 0 }, {}, { b: 10_000 }],
  )
  const experiment = { id: '1.4 vs B vs C#1', startedAt: 1000, comparisons: [] }
  const context = { plan, from: state, metrics: [], experiment, now: 9 }
  t.match(draftExperimentDecision(promoted, context), {
    rollout: '1.4 vs B vs C#1',
    to: { weights: { baseline: 100, b: 0 } },
    experiment,
  })
  t.equal(draftExperimentDecision(stay(state), context), null)
  t.end()
})

t.test('what a configuration makes of the stored state', (t) => {
  const { state } = begin(split())
  t.equal(winnerOf(planOf(split()), null), null)
  const by = { now: 2000, actor: 'configuration' }
  t.same(reconcileExperiment(planOf(split()), state, by), stay(state))
  const other = split({ experiment: rolloutSpec().analysis })
  const next = reconcileExperiment(planOf(other), state, by)
  t.match(next, {
    resetEvidence: true,
    decision: null,
    state: { attempt: 2, revision: 2, startedAt: 2000 },
  })
  t.equal(experimentId(planOf(other), next.state), '1.4 vs B vs C#2')
  const moved = reconcileExperiment(planOf(split({}, { b: 1000, c: 1000 })), state, by)
  t.match(moved, { resetEvidence: false, state: { attempt: 1, revision: 2 } })
  const promoted = obeyExperiment(
    planOf(split()),
    state,
    { ...BY, verb: 'promote', full: false, variant: 'b' },
    SEEN,
  )
  if ('refused' in promoted) throw new Error(promoted.detail)
  const gone = split()
  const renamed = {
    ...gone,
    variants: gone.variants.map((v) => (v.name === 'b' ? { ...v, version: 'B2' } : v)),
  }
  t.match(reconcileExperiment(planOf(renamed), promoted.state, by), {
    decision: { action: 'undo', reason: 'configuration' },
    resetEvidence: true,
  })
  t.end()
})

t.test('a comparison says what is known, over all required metrics', (t) => {
  const plan = planOf(split())
  const [comparison] = plan.comparisons
  const { state } = begin(split())
  const { hypotheses } = comparison!.plan
  const empty = emptyEvidence('x', hypotheses, 1)
  const with_ = (sup: Record<string, { harm?: number; proof?: number }>) => ({
    ...empty,
    starts: [1],
    ratio: { ...empty.ratio, starts: [[{ pi: 1 / 3, canary: 30, total: 100 }]] },
    hypotheses: Object.fromEntries(
      Object.entries(empty.hypotheses).map(([id, e]) => [
        id,
        { ...e, sup: { ...e.sup, ...sup[id] } },
      ]),
    ),
  })
  const latency = () => ({ value: null, n: 0 })
  const look = (sup: Parameters<typeof with_>[0]): Comparison =>
    compareVariants(comparison!, comparisonState(comparison!, state, 1), with_(sup) as never, {
      now: 2000,
      latency,
    })
  const proved = Object.fromEntries(
    ['errors', 'rmse', 'rmse/above-cap', 'latency'].map((id) => [id, { proof: 9 }]),
  )
  t.equal(look({}).verdict, 'unknown')
  t.equal(look({}).etaSeconds, null)
  t.same(look({}).units, { baseline: 70, challenger: 30 })
  t.equal(isMismatched(look({})), false)
  t.equal(look({ ...proved }).verdict, 'no-worse')
  t.equal(look({ ...proved }).etaSeconds, null)
  t.equal(look({ ...proved, 'rmse/better': { proof: 9 } }).verdict, 'better')
  t.equal(
    look({ 'rmse/better': { proof: 9 } }).metrics.find((m) => m.report.name === 'rmse')!.verdict,
    'unknown',
  )
  t.equal(look({ ...proved, errors: { proof: 9, harm: 9 } }).verdict, 'worse')
  t.equal(look({}).metrics.find((m) => m.report.name === 'no-answer')!.verdict, null)
  t.end()
})

t.test('what processes have to agree on to be compared together', (t) => {
  const keysOf = (weightsBp: Record<string, number>, key: Service['split']['key'] = null) => {
    const of = split({ split: { ...split().split, weightsBp, key } })
    return planOf(of).comparisons.map(({ plan }) => plan.sharingKey)
  }
  const even = { b: 2500, c: 2500 }
  // For b and the baseline one to two in both.
  const uneven = { b: 2000, c: 4000 }
  t.same(keysOf(even), keysOf(even))
  t.equal(keysOf(even)[0], keysOf(uneven)[0])
  t.not(keysOf(even)[1], keysOf(uneven)[1])
  const key = { from: 'header', name: 'x-user-id' } as const
  t.same(keysOf(even, key), keysOf({ ...even }, key))
  const [b, c] = keysOf(even, key)
  t.not(b, keysOf(uneven, key)[0], 'a key that was of b is of c')
  t.not(c, keysOf(uneven, key)[1])
  t.end()
})

t.test('another way to deal keys begins the evidence anew; the hash is as it always was', (t) => {
  const key = { from: 'header', name: 'x-coin' } as const
  const keyed = (coin?: 'value') =>
    split({
      split: {
        ...split().split,
        key,
        ...(coin === undefined ? {} : { coin }),
      },
    })
  const { state } = begin(keyed())
  const seen = { now: 2000, actor: 'configuration' }
  t.equal(reconcileExperiment(planOf(keyed()), state, seen).resetEvidence, false)
  const other = reconcileExperiment(planOf(keyed('value')), state, seen)
  t.match(other, { resetEvidence: true, state: { attempt: 2 } })
  const identity = JSON.parse(planOf(keyed()).fingerprint.analysis) as unknown[]
  t.same(identity[1], key)
  t.not(identity[2], 'value')
  t.end()
})

t.test(
  'who is compared, and under which name, makes an attempt; who has no weight does not',
  (t) => {
    const at = { now: 2000, actor: 'configuration' }
    const { state } = begin(split())
    const weighed = reconcileExperiment(
      planOf(split({}, { b: 3000, c: 2500, shadow: 0 })),
      state,
      at,
    )
    t.match(weighed, { resetEvidence: false, state: { attempt: 1 } })
    const before = split()
    const [baseline, b, ...others] = before.variants
    const renamed = split(
      { variants: [baseline!, { ...b!, name: 'd' }, ...others] },
      { d: 2500, c: 2500 },
    )
    t.match(reconcileExperiment(planOf(renamed), state, at), {
      resetEvidence: true,
      state: { attempt: 2 },
    })
    t.end()
  },
)
