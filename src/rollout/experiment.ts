import type { Command, DecisionDraft, ExperimentRecord, Standing } from '../domain/decision.ts'
import { suggest } from '../domain/nearest.ts'
import type { RolloutState } from '../domain/rollout-state.ts'
import { bpToPercent, WHOLE_BP } from '../domain/units.ts'
import { BASELINE } from '../domain/variant.ts'
import type { MetricReport } from '../domain/verdict.ts'
import { experimentKey, type ComparisonPlan, type ExperimentPlan } from './experiment-plan.ts'
import { writeReport } from './write-report.ts'
import { formatWeight } from './format.ts'
import { move, stay, type Refusal, type Transition } from './transition.ts'

/**
 * Where a fixed split stands, stored as a rollout's state is: `progressing` with the weights of the
 * configuration, or `promoted` with all of the traffic on the variant whose version is `canaryVersion`.
 */
export type ExperimentState = RolloutState

/**
 * What a plan makes of the stored state: a winner stays for as long as its version and the weights of
 * the configuration do; other versions or questions are another attempt, whose evidence begins anew.
 */
export function reconcileExperiment(
  plan: ExperimentPlan,
  state: ExperimentState | null,
  { now, actor }: { readonly now: number; readonly actor: string },
): Transition {
  if (state === null) {
    return { state: firstState(plan, now), decision: null, resetEvidence: true, resetRatio: false }
  }
  const { fingerprint, configHash } = plan
  const isSameSplit = fingerprint.steps === state.fingerprint.steps
  const isSame =
    isSameSplit &&
    fingerprint.analysis === state.fingerprint.analysis &&
    fingerprint.margins === state.fingerprint.margins
  const resetEvidence =
    fingerprint.analysis !== state.fingerprint.analysis ||
    challengersIn(fingerprint.steps) !== challengersIn(state.fingerprint.steps)
  const change = {
    ...{ fingerprint, configHash, baselineVersion: plan.versions[BASELINE]! },
    ...(resetEvidence ? { attempt: state.attempt + 1, startedAt: now } : {}),
    holdReason: resetEvidence ? null : state.holdReason,
  }
  const winner = versionOf(state)
  if (winner !== null && (!isSameSplit || winnerOf(plan, state) === null)) {
    const summary = `the configuration has another split: ${winner} no longer has all of the traffic`
    const seed = { action: 'undo', reason: 'configuration', actor, note: null, summary } as const
    const back = { ...change, canaryVersion: '', weightBp: 0, stepEnteredAt: now }
    return { ...move(state, { phase: 'progressing' }, back, seed), resetEvidence }
  }
  if (isSame) return stay(state)
  return {
    ...stay({ ...state, ...change, revision: state.revision + 1 }),
    resetEvidence,
  }
}

/** What an operator's command does to a fixed split; a refusal says what would be possible. */
export function obeyExperiment(
  plan: ExperimentPlan,
  state: ExperimentState,
  command: Command,
  seen: { readonly now: number; readonly isReady: (variant: string) => boolean },
): Transition | Refusal {
  const { verb, actor, note } = command
  const by = { reason: 'operator', actor, note }
  const winner = winnerOf(plan, state)
  // Verdicts that were told of are not told again.
  const { holdReason } = state
  if (verb === 'undo') {
    if (winner === null) return refuse('no variant has been promoted: there is nothing to undo')
    const summary = `${winner} no longer has all of the traffic: back to ${describe(plan)}`
    const back = { canaryVersion: '', weightBp: 0, stepEnteredAt: seen.now, holdReason }
    return move(state, { phase: 'progressing' }, back, { action: 'undo', ...by, summary })
  }
  if (verb !== 'promote') {
    return refuse(
      'has no rollout: its weights are those of split.weights in the configuration; `promote` with a variant and `undo` are possible',
    )
  }
  const names = Object.keys(plan.versions)
  const { variant } = command
  if (variant === undefined) {
    return refuse(`a fixed split is promoted with the name of its winner: ${names.join(', ')}`)
  }
  const version = plan.versions[variant]
  if (version === undefined) {
    return refuse(
      `"${variant}" is no variant of this service${suggest(variant, names)} (known: ${names.join(', ')})`,
    )
  }
  if (winner === variant) return stay(state)
  if (!command.full && !seen.isReady(variant)) {
    return refuse(
      `none of the upstreams of ${variant} can be reached: \`full\` promotes it all the same`,
    )
  }
  const summary = `${variant} (${version}) gets all of the traffic`
  return move(
    state,
    { phase: 'promoted', promotedAt: seen.now },
    { canaryVersion: version, weightBp: WHOLE_BP, stepEnteredAt: seen.now, holdReason },
    { action: 'promote', ...by, summary },
  )
}

/** The variant that has been promoted; null while the weights of the configuration hold. */
export function winnerOf(plan: ExperimentPlan, state: ExperimentState | null): string | null {
  if (state === null || state.fingerprint.steps !== plan.fingerprint.steps) return null
  const version = versionOf(state)
  const found = Object.entries(plan.versions).find(([, each]) => each === version)
  return found?.[0] ?? null
}

/** Names an attempt of an experiment: `3.1 vs 3.2-small vs 3.2-large#1`. */
export function experimentId(
  plan: ExperimentPlan,
  { attempt }: { readonly attempt: number },
): string {
  const names = Object.keys(plan.weightsBp).filter((name) => plan.weightsBp[name]! > 0)
  return `${names.map((name) => plan.versions[name]!).join(' vs ')}#${attempt}`
}

/** The state that one comparison is judged and stored with. */
export function comparisonState(
  { plan, weightBp }: ComparisonPlan,
  { attempt, startedAt }: Pick<ExperimentState, 'attempt' | 'startedAt'>,
  revision: number,
): RolloutState {
  return {
    service: plan.service,
    baselineVersion: plan.baselineVersion,
    canaryVersion: plan.canaryVersion,
    ...{ attempt, revision, weightBp, startedAt },
    step: 0,
    stepEnteredAt: startedAt,
    pausedMs: 0,
    acknowledged: [],
    holdReason: null,
    configHash: plan.configHash,
    fingerprint: plan.fingerprint,
    phase: 'progressing',
  }
}

/** A decision about a fixed split as the log takes it; `metrics` are those of the variant that it is about. */
export function draftExperimentDecision(
  { state, decision }: Transition,
  context: {
    readonly plan: ExperimentPlan
    readonly from: ExperimentState
    readonly metrics: readonly MetricReport[]
    /** What it has come to, or what the one had come to that ends; as plain data. */
    readonly experiment: ExperimentRecord
    readonly now: number
  },
): DecisionDraft | null {
  if (decision === null) return null
  const { plan, from, metrics, experiment, now } = context
  return {
    ...decision,
    at: now,
    service: plan.service,
    rollout: experimentId(plan, state),
    from: standing(plan, from),
    to: standing(plan, state),
    metrics: metrics.map(writeReport),
    configHash: plan.configHash,
    experiment,
  }
}

/** What the evidence is kept under, from a fingerprint as `buildExperimentPlan` writes it. */
function challengersIn(steps: string): string {
  const named = JSON.parse(steps) as readonly (readonly [string, number])[]
  return named.flatMap(([name, bp]) => (bp === 0 ? [] : name)).join(' ')
}

/** Weights in basis points as they stand, the baseline left out. */
export function weightsOf(
  { weightsBp }: Pick<ExperimentPlan, 'weightsBp'>,
  winner: string | null,
): Readonly<Record<string, number>> {
  const { [BASELINE]: _rest, ...named } = weightsBp
  if (winner === null) return named
  return winner === BASELINE ? {} : { [winner]: WHOLE_BP }
}

function standing(plan: ExperimentPlan, state: ExperimentState): Standing {
  const version = versionOf(state)
  const share = (name: string) =>
    version === null ? plan.weightsBp[name]! : plan.versions[name] === version ? WHOLE_BP : 0
  const weights = Object.keys(plan.weightsBp).map((name) => [name, bpToPercent(share(name))])
  return { phase: state.phase, step: 0, weights: Object.fromEntries(weights) }
}

function describe({ weightsBp }: ExperimentPlan): string {
  const shares = Object.entries(weightsBp).map(
    ([name, bp]) => `${name} ${formatWeight(bpToPercent(bp))}`,
  )
  return shares.join(', ')
}

function versionOf({ phase, canaryVersion }: ExperimentState): string | null {
  return phase === 'promoted' ? canaryVersion : null
}

function firstState(plan: ExperimentPlan, now: number): ExperimentState {
  return {
    service: experimentKey(plan.service),
    baselineVersion: plan.versions[BASELINE]!,
    canaryVersion: '',
    attempt: 1,
    revision: 1,
    step: 0,
    weightBp: 0,
    startedAt: now,
    stepEnteredAt: now,
    pausedMs: 0,
    acknowledged: [],
    holdReason: null,
    configHash: plan.configHash,
    fingerprint: plan.fingerprint,
    phase: 'progressing',
  }
}

function refuse(detail: string): Refusal {
  return { refused: true, detail }
}
