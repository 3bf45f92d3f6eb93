import t from 'tap'
import type { MetricSpec } from '../../src/domain/rollout-spec.ts'
import { comparisonKey, recordedComparison } from '../../src/rollout/experiment-plan.ts'
import { buildExperimentPlan } from '../../src/rollout/experiment-plan.ts'
import { replayComparison, type ComparisonRecord } from '../../src/rollout/replay-comparison.ts'
import { ExperimentWorld, threeWay, type Fate } from '../fakes/experiment-world.ts'
import { CONVERSION, ERRORS, RMSE } from '../fakes/simulated-service.ts'

const FATE: Fate = (variant, random) => ({
  outcome: random() < (variant === 'c' ? 0.3 : 0.05) ? 'failed' : 'ok',
  error: 3 * Math.sqrt(3) * random() * (variant === 'b' ? 0.95 : 1),
  events: random() < 0.3 ? [{ name: 'purchase', value: null, values: { amount: 1 } }] : [],
})

async function recordOf(world: ExperimentWorld, variant: string): Promise<ComparisonRecord> {
  const { store, clock } = world
  const rollout = `1.4->${variant.toUpperCase()}#1`
  const kept = comparisonKey('svc', variant)
  return {
    rollout,
    plan: (await store.archivedPlan(kept, rollout))!,
    cohorts: (await store.archivedCohorts(kept, rollout, { after: 0, limit: 1e9 })).filter(
      (c) => c.rollout === rollout,
    ),
    until: clock.ms,
  }
}

/** With other rules for the same service. */
const rulesOf = (metrics: readonly MetricSpec[], variant: string, keyed = false) =>
  buildExperimentPlan(threeWay(metrics, keyed), 'other')!.comparisons.find(
    (c) => c.variant === variant,
  )!

for (const keyed of [false, true]) {
  t.test(
    `a challenger comes out as it did in life, ${keyed ? 'by key' : 'without keys'}`,
    async (t) => {
      const world = await ExperimentWorld.begin(threeWay([ERRORS, RMSE, CONVERSION], keyed))
      await world.run(24, FATE)
      // What waited for its window in life is folded by then.
      await world.run(20, FATE, 0)
      for (const live of world.view.comparisons) {
        const record = await recordOf(world, live.variant)
        t.ok(record.cohorts.length > 10)
        const rules = recordedComparison(live.variant, record.plan)
        const own = world.experiment.plan.comparisons.find((c) => c.variant === live.variant)!
        t.ok(Math.abs(rules.reportAlpha - own.reportAlpha) < 1e-12)
        t.ok(Math.abs(rules.ratioAlpha - own.ratioAlpha) < 1e-12)
        t.equal(rules.weightBp, own.weightBp)
        const { comparison, overall, verdicts, fidelities } = replayComparison(record, rules)
        t.equal(overall.verdict, live.verdict)
        t.same(comparison.units, live.units)
        const numbers = (of: typeof live) =>
          of.metrics.map(({ report, superiority }) => [
            report.name,
            report.verdict,
            report.canary.n,
            report.evidence.harm,
            superiority,
          ])
        t.same(numbers(comparison), numbers(live))
        t.match(comparison.ratioMismatch.log, live.ratioMismatch.log)
        t.ok(fidelities.every((f) => f.kind === 'exact' && f.gap === 0))
        t.equal(verdicts['errors']!.verdict, live.metrics[0]!.verdict)
        t.ok(overall.since >= record.cohorts[0]!.openedAt && overall.since <= record.until)
      }
      t.same(world.errors, [])
    },
  )
}

t.test('other rules: what was recorded answers them, and what was not is left out', async (t) => {
  const world = await ExperimentWorld.begin(threeWay([ERRORS, RMSE]))
  await world.run(24, FATE)
  const record = await recordOf(world, 'c')
  t.equal(replayComparison(record, rulesOf([ERRORS], 'c')).overall.verdict, 'worse')
  const lax = { ...ERRORS, maxChange: 20, floor: 0.5 }
  const other = replayComparison(
    record,
    rulesOf([lax, { ...RMSE, maxChange: 0.5 }, CONVERSION], 'c'),
  )
  t.equal(other.overall.verdict, 'no-worse', 'six times the failures are allowed')
  const kinds = Object.fromEntries(other.fidelities.map((f) => [f.id, f.kind]))
  t.match(kinds, { errors: 'exact', rmse: 'approximate', conversion: 'not-recorded' })
  t.equal(other.verdicts['conversion'], undefined)
  t.ok(other.fidelities.find((f) => f.id === 'rmse')!.gap > 0, 'bet on anew, from bins')
})

t.test('before anything is folded nothing is known', async (t) => {
  const world = await ExperimentWorld.begin(threeWay([ERRORS]))
  await world.run(20, FATE)
  const record = await recordOf(world, 'b')
  const [first] = record.cohorts
  const early = { ...record, until: first!.openedAt }
  const { overall, verdicts, comparison } = replayComparison(
    early,
    recordedComparison('b', record.plan),
  )
  t.same(overall, { verdict: 'unknown', since: first!.openedAt })
  t.same(verdicts, {})
  t.equal(comparison.etaSeconds, null)
  const soon = { ...record, until: first!.settledAt! }
  const later = replayComparison(soon, recordedComparison('b', record.plan))
  t.equal(later.overall.verdict, 'unknown')
  t.ok(later.comparison.etaSeconds! > 0, 'once something is folded there is a time')
})

t.test('a cohort that settles late holds back those after it', async (t) => {
  const world = await ExperimentWorld.begin(threeWay([ERRORS]))
  await world.run(24, FATE)
  const record = await recordOf(world, 'c')
  const rules = recordedComparison('c', record.plan)
  const whole = replayComparison(record, rules)
  t.equal(whole.overall.verdict, 'worse')
  t.equal(whole.comparison.etaSeconds, null, 'nothing is open')
  const late = record.until - 1
  const [first, ...rest] = record.cohorts
  const held = replayComparison(
    { ...record, cohorts: [{ ...first!, settledAt: late }, ...rest] },
    rules,
  )
  t.same(held.overall, { verdict: 'worse', since: late })
  const untimed = record.cohorts.map((cohort) => {
    const { settledAt, ...rest } = cohort
    return settledAt === undefined ? cohort : rest
  })
  const closing = replayComparison({ ...record, cohorts: untimed }, rules)
  t.same(closing.comparison.units, whole.comparison.units)
  t.ok(closing.overall.since <= whole.overall.since, 'folded when they closed')
})

t.test('the plan that is kept says how many challengers there were', (t) => {
  const [b] = buildExperimentPlan(threeWay([{ ...ERRORS, mode: 'report' }]), 'hash')!.comparisons
  const alone = recordedComparison('b', b!.plan)
  t.equal(alone.reportAlpha, b!.plan.spec.analysis.alphaRollback, 'nothing required: α is whole')
  t.end()
})
