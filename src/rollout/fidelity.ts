import type { BetTally, Cohort } from '../domain/cohort.ts'
import { isContinuous, proofRatio, type Hypothesis } from '../domain/hypothesis.ts'
import { isProviderMetric, type MetricSpec } from '../domain/rollout-spec.ts'
import { hasBins } from '../statistics/rebet.ts'
import { provedOf } from './forecast.ts'
import { isWaitedFor } from './label-minimums.ts'
import { isLimited } from './limits.ts'
import { hasMirrorStep } from './mirror-step.ts'
import type { RolloutPlan } from './plan.ts'

/** How well recorded sums answer a hypothesis of another plan, and why not better. */
export type Fidelity = {
  readonly id: string
  /** `not-recorded`: the replay decides without it. */
  readonly kind: 'exact' | 'approximate' | 'not-recorded'
  /** Null where it is exact. */
  readonly note: string | null
  /** Bet on anew, from the bins of its values. */
  readonly rebet: boolean
}

/**
 * What cohorts that were judged by `recorded` can say about the hypotheses of `plan`. Counts of events
 * answer every margin, floor and α; values answer other margins by their bins; other thresholds, caps,
 * scores and metrics were not counted, and measurements of thresholds and other systems are not kept.
 * Nor are latencies themselves, and failures only where they are compared: other limits are taken to be kept.
 */
export function fidelities(
  recorded: RolloutPlan,
  plan: RolloutPlan,
  cohorts: readonly Cohort[],
): readonly Fidelity[] {
  const measured = plan.metrics.filter(isMeasured)
  const kept = plan.hypotheses.filter((h) => !measured.some((m) => m.name === h.id))
  const found = kept.map((h) => fidelityOf(h, recorded, plan, cohorts))
  const countsFailures = kept.some(
    (h, index) => h.source.of === 'failure' && found[index]!.kind !== 'not-recorded',
  )
  const limits = plan.metrics.filter(isLimited).flatMap((m) => limitFidelity(m, countsFailures))
  const alone = limits.filter(({ id }) => !found.some((f) => f.id === id))
  return [
    ...found.map((f) => (f.kind === 'exact' ? withLimit(f, limits) : f)),
    ...alone,
    ...measured.map((m) => notRecorded(m.name, 'its measurements are not kept')),
    // Plans of versions that knew no mirror steps have no tests of pairs.
    ...(hasMirrorStep(plan.steps) ? plan.pairTests : []).map((t) => notRecorded(t.id, UNPAIRED)),
  ]
}

function isMeasured(metric: MetricSpec): boolean {
  return metric.threshold !== undefined || isProviderMetric(metric)
}

const UNPAIRED = 'pairs of a mirror step are not archived: the replay begins with the first weight'
/** How well an absolute limit is held against what was recorded; none where that is exact (labels). */
function limitFidelity({ name, kind }: MetricSpec, countsFailures: boolean): Fidelity[] {
  const kept = 'its limit is taken to be kept'
  if (kind === 'latency') {
    return [notRecorded(name, `${kept}: latencies themselves are not recorded`)]
  }
  if (kind !== 'error-rate') return []
  if (!countsFailures) return [notRecorded(name, `${kept}: failures were not counted`)]
  const note = 'its limit is held against judged cohorts, in life against every request so far'
  return [{ id: name, kind: 'approximate', note, rebet: false }]
}

function withLimit(exact: Fidelity, limits: readonly Fidelity[]): Fidelity {
  const limit = limits.find(({ id }) => id === exact.id)
  return limit === undefined ? exact : { ...exact, kind: 'approximate', note: limit.note }
}

function fidelityOf(
  h: Hypothesis,
  recorded: RolloutPlan,
  plan: RolloutPlan,
  cohorts: readonly Cohort[],
): Fidelity {
  const { id } = h
  const before = recorded.hypotheses.find((other) => other.id === id)
  if (before === undefined) return notRecorded(id, 'no such metric was recorded')
  if (!asksTheSame(before, h, recorded, plan)) return notRecorded(id, whyNot(h))
  if (isContinuous(h.source) && !betsTheSame(before, h)) return rebetOf(h, cohorts)
  if (h.source.of === 'above-cap' && !countsTheSame(h, recorded, plan)) {
    const note = "the canary's values were held against the cap with the recorded margin"
    return { id, kind: 'approximate', note, rebet: false }
  }
  if (windowOf(before) === windowOf(h)) return { id, kind: 'exact', note: null, rebet: false }
  const note = 'what came later than the recorded window was not counted'
  return { id, kind: 'approximate', note, rebet: false }
}

/**
 * What has to be proved, measured or waited for under a plan and was not recorded, by id: a replay goes on without it, so that what it
 * advances and promotes comes no sooner in life, and may never.
 */
export function unansweredOf(plan: RolloutPlan, found: readonly Fidelity[]): readonly string[] {
  const metrics = plan.metrics.filter((m) => {
    const decides = m.mode === 'decide' && m.onFailure !== 'warn'
    return (isMeasured(m) && decides) || isWaitedFor(m, plan)
  })
  const awaited = [...provedOf(plan).map(({ id }) => id), ...metrics.map(({ name }) => name)]
  return found
    .filter((f) => f.kind === 'not-recorded' && awaited.includes(f.id))
    .map(({ id }) => id)
}

/** A plan without what was not recorded of its questions. */
export function withoutUnrecorded(plan: RolloutPlan, found: readonly Fidelity[]): RolloutPlan {
  const gone = new Set(found.filter((f) => f.kind === 'not-recorded').map((f) => f.id))
  return {
    ...plan,
    hypotheses: plan.hypotheses.filter((h) => !gone.has(h.id)),
    // Its labels cannot be waited for either.
    metrics: plan.metrics.filter((m) => !gone.has(m.name)),
  }
}

function rebetOf({ id }: Hypothesis, cohorts: readonly Cohort[]): Fidelity {
  // Versions before this one kept none of totals and ratios.
  const areKept = cohorts.every(({ tallies }) => {
    const tally = tallies[id] as BetTally | undefined
    return tally === undefined || hasBins(tally) || isWithoutValues(tally)
  })
  if (!areKept)
    return notRecorded(id, 'its margin was bet on otherwise, and its values were not kept')
  const note = 'its margin was bet on otherwise: bet on anew from bins of the values'
  return { id, kind: 'approximate', note, rebet: true }
}

// Units without events are in no tally of a total or a ratio until its window is over.
function isWithoutValues({ n, sumSq, denominator }: BetTally): boolean {
  const sums = [n, sumSq, denominator?.sum ?? [0, 0]]
  return sums.every(([baseline, canary]) => baseline === 0 && canary === 0)
}

function notRecorded(id: string, note: string): Fidelity {
  return { id, kind: 'not-recorded', note, rebet: false }
}

function whyNot({ source }: Hypothesis): string {
  if (source.of === 'latency') return 'its thresholds (quantile, until and margins) were others'
  return 'what was counted is something else (another kind, score or cap)'
}

function asksTheSame(
  before: Hypothesis,
  h: Hypothesis,
  recorded: RolloutPlan,
  plan: RolloutPlan,
): boolean {
  const identity = (of: Hypothesis, within: RolloutPlan) => [
    { ...of.source, windowMs: 0 },
    of.better,
    // "Share above the cap" counts the values beside it by their cap, which is one for all segments.
    within.hypotheses
      .filter(({ metric, source }) => metric === of.metric && isContinuous(source))
      .map(({ source }) => ({ ...source, windowMs: 0 }))
      .at(0) ?? null,
  ]
  return JSON.stringify(identity(before, recorded)) === JSON.stringify(identity(h, plan))
}

function betsTheSame(before: Hypothesis, h: Hypothesis): boolean {
  return before.harm.ratio === h.harm.ratio && proofRatio(before) === proofRatio(h)
}

/** Whether the values above the cap were counted under the margin that their metric has now. */
function countsTheSame(h: Hypothesis, recorded: RolloutPlan, plan: RolloutPlan): boolean {
  const [before, now] = [recorded, plan].map(({ hypotheses }) =>
    hypotheses.find(({ metric, source }) => metric === h.metric && isContinuous(source)),
  )
  return h.better === 'higher' || betsTheSame(before!, now!)
}

function windowOf({ source }: Hypothesis): number {
  return 'windowMs' in source ? source.windowMs : 0
}
