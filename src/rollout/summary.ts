import type { RolloutState } from '../domain/rollout-state.ts'
import { limitFigures, type SideValues } from '../domain/metric-facts.ts'
import { bpToPercent, formatDuration, WHOLE_BP } from '../domain/units.ts'
import type { MetricReport } from '../domain/verdict.ts'
import { openReports } from './acknowledged.ts'
import { describeConfirmation } from './confirmation.ts'
import {
  formatCount,
  formatLimit,
  formatNumber,
  formatOdds,
  formatPercent,
  formatValue,
} from './format.ts'
import { countMeasurements, describeThreshold } from './describe-threshold.ts'
import type { Missing } from './missing.ts'
import type { AttemptCount } from '../statistics/breaker.ts'
import { DOWN_AFTER_MS, type Observation } from './observation.ts'
import { describeClientErrors, describeFaults, describeFaultsOf } from './describe-faults.ts'
import { describeSince } from './describe-since.ts'
import { describeStep } from './describe-step.ts'
import { isBlueGreen, watchWeight, type RolloutPlan } from './plan.ts'

/** The one sentence of each decision: what was done, and the numbers that made it so. */
export const summarize = {
  started: (plan: RolloutPlan, state: RolloutState): string => {
    const first = plan.steps[0]!
    if (isBlueGreen(plan) && first.kind === 'pause')
      return `The preview of ${state.canaryVersion} begins: it gets no share of the requests, and an override reaches it (blue-green).`
    return `The rollout of ${state.canaryVersion} starts at ${describeStep(first)}.`
  },

  canaryDown: (plan: RolloutPlan, seen: Observation): string =>
    `Rolled back: no upstream of ${plan.canaryVersion} has answered for ${formatNumber(seen.canary.downForMs / 1000)} s (outside α).`,

  breaker: (plan: RolloutPlan, seen: Observation): string => {
    const { canary, baseline } = seen.breaker
    const attempts = `of ${plan.canaryVersion}'s last attempts`
    const left = canary.left ?? 0
    const own = canary.failures + left
    // With fewer failures than it takes it is those with a 4xx that it tripped by.
    const isAnswered = own < plan.spec.analysis.breakerFailures * canary.attempts
    if (canary.clientErrors <= own && !isAnswered) {
      return `Rolled back by the breaker (outside α): ${unanswered(canary)} ${attempts} ${failed(left)}, against ${unanswered(baseline)} of the baseline's.${describeFaults(seen)}`
    }
    return `Rolled back by the breaker (outside α): ${useless(canary)} ${attempts} failed or were answered with a 4xx, against ${useless(baseline)} of the baseline's.${describeClientErrors(seen)}`
  },

  harm: (report: MetricReport, seen: Observation): string => {
    const verb = report.onFailure === 'pause' ? 'Paused' : 'Rolled back'
    const [canary, baseline] = describeSides(report.kind, report)
    const { limit, threshold } = report
    const faults = describeFaultsOf(report, seen)
    if (threshold !== null) {
      const allowed = describeThreshold(report.kind, report.better, threshold)
      return `${verb}: ${report.name} failed ${countMeasurements(threshold.counts.failed)} of this step, which may show ${allowed}: the last had ${canary}, ${baseline} (outside α).${faults}`
    }
    if (report.kind === 'drift') return `${verb}: ${driftSentence(report)}`
    if (report.kind === 'disagreement') return `${verb} by ${disagreementSentence(report)}`
    const { harm } = report.evidence
    if (harm === null || harm.log < harm.threshold) {
      return `${verb} by ${report.name}, beyond its limit of ${formatLimit(report.kind, limit!)}: ${describeHeld(report)} (outside α).${faults}`
    }
    return `${verb} by ${report.name}: ${canary} against ${baseline}${describeSlow(report)}${describeSince(report)}; the evidence for ${allowance(report)} stands at ${formatOdds(harm.log)}, and ${formatOdds(harm.threshold)} decides.${report.name.endsWith('/mirror') ? UNSEEN : faults}`
  },

  ratioMismatch: (seen: Observation): string =>
    `Paused: the two variants do not get the shares that their weights say (${formatOdds(seen.ratioMismatch.log)}, ${formatOdds(seen.ratioMismatch.threshold)} decides), so no comparison can be trusted.`,

  sickBaseline: (plan: RolloutPlan, seen: Observation): string =>
    `Paused: the baseline ${plan.baselineVersion} is sick (${describeSick(seen)}), so nothing is moved. It goes on by \`resume\` once the baseline is well again.`,

  /** `why`: the sentence of the rollback that is not made. */
  notOntoSickBaseline: (why: string): string =>
    `Paused instead of rolling back: the baseline is down or fails as badly. Why it would have been rolled back: ${why.replace(ROLLED_BACK, '')}`,

  advanced: (
    plan: RolloutPlan,
    state: RolloutState,
    seen: Observation,
    proved: boolean,
  ): string => {
    const next = plan.steps[state.step + 1]!
    const isMirror = plan.steps[state.step]!.kind === 'mirror'
    const what = isMirror ? 'pairs of answers' : plan.keyed ? 'canary keys' : 'canary requests'
    const units = `${formatCount(seen.stepCanaryUnits)} ${what} judged in the step`
    const found = describeFound(plan, state, seen, proved)
    if (next.kind === 'pause') {
      const until =
        next.durationMs === null ? 'an approval' : `${formatDuration(next.durationMs)} to pass`
      return `Waiting for ${until} at ${bpToPercent(state.weightBp)} %: ${found}${describeResumed(state)}; ${units}.`
    }
    const from = isMirror ? 'the mirror' : `${bpToPercent(state.weightBp)} %`
    const isLast = next.kind === 'weight' && next.weightBp === WHOLE_BP
    const to = isLast ? describeWatch(plan) : describeStep(next)
    const verb = isLast ? 'Promoted' : 'Advanced'
    return `${verb} from ${from} to ${to}: ${found}${closest(seen)}${describeResumed(state)}; ${units}.`
  },

  /** A blue-green rollout leaves a pause that was timed. */
  switched: (plan: RolloutPlan, state: RolloutState): string => {
    const next = plan.steps[state.step + 1]!
    // Mirrors come before all pauses.
    if (next.kind !== 'pause')
      return `Switched from 0 % to 100 % without comparative proof: the pause has passed and ${plan.canaryVersion} can be reached (blue-green).`
    const until =
      next.durationMs === null ? 'an approval' : `${formatDuration(next.durationMs)} to pass`
    return `Waiting for ${until} at 0 %: the preview of ${plan.canaryVersion} goes on.`
  },

  promoted: (
    { canaryVersion, weightBp, stepEnteredAt }: RolloutState,
    { lastRequestAt }: Pick<Observation, 'lastRequestAt'>,
  ): string => {
    const rest = weightBp === WHOLE_BP ? '' : `, and the ${heldBack(weightBp)} held back follow`
    // Of other processes nothing is known of a watch at 100 %, where nothing is compared.
    const isSeen = lastRequestAt === null || lastRequestAt > stepEnteredAt
    const unseen = isSeen ? '' : ' (no request came to the process that decides)'
    return `${canaryVersion} is promoted: the watch at ${bpToPercent(weightBp)} % ended without an alarm${unseen}${rest}.`
  },

  noTraffic: (plan: RolloutPlan): string =>
    `Holding: ${plan.service} has no traffic, so there is nothing to judge.`,

  unconfirmed: (state: RolloutState, seen: Observation): string =>
    `Holding at ${bpToPercent(state.weightBp)} %: all is ready for 100 %; ${describeConfirmation(seen)}.`,

  hold: (state: RolloutState, missing: readonly Missing[]): string =>
    `Holding at ${bpToPercent(state.weightBp)} %: ${missing.map((m) => m.sentence).join('; ')}.`,

  /** `lacking`: what else than evidence the step still lacks, as sentences; empty = its evidence alone. */
  outOfTime: (
    plan: RolloutPlan,
    state: RolloutState,
    seen: Observation,
    lacking: readonly string[],
  ): string => {
    const word = { hold: 'Holding', rollback: 'Rolled back', promote: 'Promoted without proof' }
    const outside = plan.spec.onInconclusive === 'promote' ? ' (outside α)' : ''
    const at = `${bpToPercent(state.weightBp)} %`
    const why =
      lacking.length === 0
        ? `the evidence is still inconclusive at ${at}${closest(seen)}`
        : `what is needed at ${at} is still missing: ${lacking.join('; ')}`
    return `${word[plan.spec.onInconclusive]}: after ${formatDuration(plan.spec.maxDurationMs)} ${why}${outside}.`
  },
}

/** Where a promotion leads: `100 %`, or what of it is left beside the holdback. */
export function describeWatch(plan: RolloutPlan): string {
  const weightBp = watchWeight(plan)
  const rest = weightBp === WHOLE_BP ? '' : ` (${heldBack(weightBp)} held back during the watch)`
  return `${bpToPercent(weightBp)} %${rest}`
}

function heldBack(weightBp: number): string {
  return `${bpToPercent(WHOLE_BP - weightBp)} %`
}

function describeSides(kind: string, { canary, baseline }: SideValues): readonly [string, string] {
  return [
    `${formatValue(kind, canary.value)} on the canary (n ${formatCount(canary.n)})`,
    `${formatValue(kind, baseline.value)} on the baseline (n ${formatCount(baseline.n)})`,
  ]
}

// At 100 % the baseline has nothing that could be held against a limit.
function describeHeld(report: MetricReport): string {
  const held = limitFigures(report)
  const [canary, baseline] = describeSides(report.kind, held)
  return held.baseline.value === null ? canary : `${canary}, ${baseline}`
}

function driftSentence({ name, drift, evidence, baseline, canary }: MetricReport): string {
  const { log, threshold } = evidence.harm!
  const n = `n ${formatCount(baseline.n)} and ${formatCount(canary.n)}`
  return `the distribution of ${name} differs between the variants (PSI ${formatNumber(drift!.psi)}, ${formatNumber(drift!.minPsi)} counts; ${n}); the evidence for a shift stands at ${formatOdds(log)}, and ${formatOdds(threshold)} decides (outside the rollback α).`
}

function disagreementSentence({ name, kind, canary, limit, evidence }: MetricReport): string {
  const { log, threshold } = evidence.harm!
  return `${name}: ${formatValue(kind, canary.value)} of ${formatCount(canary.n)} compared pairs; the evidence for "more than ${formatLimit(kind, limit!)}" stands at ${formatOdds(log)}, and ${formatOdds(threshold)} decides.${UNSEEN}`
}

/** What pairs have shown, they have shown before the canary's first weight. */
const UNSEEN = ' No user has seen an answer of the canary.'

/** How the sentence of a rollback begins. */
const ROLLED_BACK = /^Rolled back(?: by the breaker \(outside α\): |: | by )/

// Else a canary whose failures are fast would be told to be slower.
function describeSlow({ slow }: MetricReport): string {
  if (slow === undefined) return ''
  return `; slow or failed: ${formatValue('share', slow.canary)} of the canary's requests against ${formatValue('share', slow.baseline)}`
}

function allowance({ margins }: MetricReport): string {
  const margin = margins!.harm
  return margin === 0 ? '"worse than the baseline"' : `"more than ${formatPercent(margin)} worse"`
}

// The slowest of the metrics tells most about how close the call was.
function closest(seen: Observation): string {
  const bounded = seen.reports.filter((r) => r.required && r.ratio !== null)
  const widest = bounded.toSorted((a, b) => worst(b) - worst(a))[0]
  if (widest === undefined || !Number.isFinite(worst(widest))) return ''
  const { estimate, lower, upper } = widest.ratio!
  return ` (${widest.name}: ratio ${formatNumber(estimate)}, between ${formatNumber(lower)} and ${formatNumber(upper)}${describeUndecided(widest)})`
}

// An interval on the worse side alone would contradict a step that is left, or waited in: it is of another level.
function describeUndecided(report: MetricReport): string {
  const { ratio, better, evidence } = report
  const isWorse = better === 'lower' ? ratio!.lower > 1 : ratio!.upper < 1
  const { log, threshold } = evidence.harm!
  // Of a metric that has a limit alone no harm is asked.
  if (!isWorse || !Number.isFinite(threshold)) return ''
  const at = ratio!.level === undefined ? '' : ` at ${formatPercent(ratio!.level)}`
  return `${at}; the evidence for ${allowance(report)} stands at ${formatOdds(log)}, and ${formatOdds(threshold)} decides`
}

// The largest change for the worse that is not excluded.
function worst({ ratio, better }: MetricReport): number {
  return better === 'lower' ? ratio!.upper - 1 : 1 - ratio!.lower
}

/**
 * What the metrics say of a step that is left. A threshold or a limit that is kept shows nothing of harm or proof, nor does
 * a metric that is only reported; and what an operator has resumed past says nothing any more.
 */
function describeFound(
  plan: RolloutPlan,
  state: RolloutState,
  { reports }: Observation,
  proved: boolean,
): string {
  const open = openReports(plan, state, { reports })
  const required = open.filter((r) => r.required)
  const isAlone = reports.every((r) => !r.required || open.includes(r))
  const kept = required.filter((r) => !isTested(r)).map((r) => r.name)
  const within = kept.length === 0 ? '' : `; ${kept.join(', ')} within limits (outside α)`
  const isAsked = proved ? hasProof(plan, required) : required.length > kept.length
  if (isAsked) {
    const which = isAlone ? 'required metric' : 'other required metric'
    return `${proved ? `every ${which} is shown to be no worse` : `no ${which} shows harm`}${within}`
  }
  if (kept.length > 0)
    return `${proved ? 'without proof of being no worse' : 'nothing is tested'}${within}`
  if (proved) return `nothing ${isAlone ? '' : 'else '}had to be proved`
  return `no ${isAlone ? '' : 'other '}metric decides`
}

// Of a limit alone no harm is ever shown.
function isTested({ outsideAlpha, evidence: { harm } }: MetricReport): boolean {
  return !outsideAlpha && harm !== null && Number.isFinite(harm.threshold)
}

function describeResumed({ acknowledged }: RolloutState): string {
  return acknowledged.length === 0 ? '' : `; resumed past ${acknowledged.join(', ')}`
}

function hasProof({ hypotheses }: RolloutPlan, reports: readonly MetricReport[]): boolean {
  return hypotheses.some(
    ({ id, required, proof }) =>
      required && proof !== null && reports.some(({ name }) => name === id),
  )
}

function describeSick({ baseline, breaker }: Observation): string {
  if (baseline.downForMs >= DOWN_AFTER_MS) return 'no upstream is healthy'
  const last = breaker.baselineRecent ?? breaker.baseline
  return `${unanswered(last)} of its last attempts ${failed(last.left ?? 0)}`
}

// Nothing has failed where nobody waited for it: who reads it has to know why healthy servers are told to fail.
function failed(left: number): string {
  if (left === 0) return 'failed'
  return `failed, or their clients left before an answer (${formatCount(left)} did)`
}

function unanswered({ attempts, failures, left = 0 }: AttemptCount): string {
  return `${formatCount(failures + left)} of ${formatCount(attempts)}`
}

function useless({ attempts, failures, clientErrors }: AttemptCount): string {
  return `${formatCount(failures + clientErrors)} of ${formatCount(attempts)}`
}
