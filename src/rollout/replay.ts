import type { Cohort } from '../domain/cohort.ts'
import type { Decision, DecisionDraft, Standing } from '../domain/decision.ts'
import type { RolloutState } from '../domain/rollout-state.ts'
import { draftDecision } from './draft-decision.ts'
import { fidelities, unansweredOf, withoutUnrecorded, type Fidelity } from './fidelity.ts'
import { Moments } from './moments.ts'
import { outsideOf, type Outside } from './outside.ts'
import { hasMirrorStep } from './mirror-step.ts'
import { withoutMirrors, type RolloutPlan } from './plan.ts'
import { NO_PAST, reconcile } from './reconcile.ts'
import { RecordedCohorts } from './recorded-cohorts.ts'
import { Rehearsal, type Look } from './rehearsal.ts'
import { enterStep, type Transition } from './transition.ts'

/** What is kept of an attempt. */
export type AttemptRecord = {
  /** What it was judged by. */
  readonly plan: RolloutPlan
  /** In assignment order. */
  readonly cohorts: readonly Cohort[]
  /** Of this attempt alone, the oldest first. */
  readonly decisions: readonly Decision[]
  /** Up to when this is all there is; ms since the epoch. */
  readonly until: number
}

/** A decision of a replay. */
export type ReplayedDecision = DecisionDraft & {
  /** Made by the evidence; else taken over from the log, because cohorts do not know what made it. */
  readonly byEvidence: boolean
}

/** An attempt as it would have gone. */
export type Replay = {
  readonly decisions: readonly ReplayedDecision[]
  readonly state: RolloutState
  /** The last moment that was looked at. */
  readonly endedAt: number
  /**
   * From when on the recorded traffic was split by other weights than this replay's: its evidence still
   * holds (each cohort is judged by its own weight), but comes at another pace. Null = never.
   */
  readonly otherWeightsFrom: number | null
  readonly fidelities: readonly (Fidelity & {
    /** How much less the log-evidence can be, where it was bet on anew. */
    readonly gap: number
  })[]
  /** What a promotion needs and the record cannot answer, by id: what is advanced is so at the earliest. */
  readonly unanswered: readonly string[]
  /** Commands of the log that this replay's phase refused, as sentences. */
  readonly refused: readonly string[]
}

/**
 * Judges a recorded attempt again, under `plan`: the same fold, judge and step, at the moments at which
 * anything could change. What did not come from the evidence (operators, breaker, an unreachable canary, a
 * sick baseline, missing traffic) is taken over from the log as it came. Under the plan that it was judged
 * by, the attempt's own decisions come out again; only what fell due while no process ran comes at the moment at which
 * it was due. A mirror is left out, since its pairs are not archived: the
 * replay begins where the canary got its first weight, with the time that the mirror took counted as in life. Null: it
 * never came so far. `onPassed` is told again and
 * again how many cohorts it has come past.
 */
export function replay(
  record: AttemptRecord,
  plan: RolloutPlan,
  onPassed: (cohorts: number) => void = () => undefined,
): Replay | null {
  const [entry, ...later] = decisionsToReplay(record)
  if (entry === undefined) return null
  const found = fidelities(record.plan, plan, record.cohorts)
  const judged = withoutMirrors(withoutUnrecorded(plan, found))
  const idle = { ...begun(judged, entry), ...timeBefore(record, plan, entry) }
  const entered = enterStep(judged, idle, 0, entry.at, entry)
  const rebet = new Set(found.filter((f) => f.rebet).map((f) => f.id))
  const rehearsal = new Rehearsal(judged, entered.state, entry.rollout, { rebet, boundsGaps: true })
  const outside = outsideIn(later)
  const moments = new Moments(record, judged)
  const cohorts = new RecordedCohorts(record.cohorts, rehearsal)
  const decisions: ReplayedDecision[] = []
  const refused: string[] = []

  const log = (made: Transition, from: RolloutState, look: Look['seen'] | null, by: boolean) => {
    const context = { plan: judged, from, reports: look?.reports ?? [], now: look?.now ?? entry.at }
    const draft = draftDecision(made, context)
    if (draft !== null) decisions.push({ ...draft, byEvidence: by })
  }
  const lookAt = (now: number, from: Outside | null) => {
    const before = rehearsal.state
    const { result, seen } = rehearsal.look(now, from?.world(now), from?.command)
    if ('refused' in result) refused.push(result.detail)
    else log(result, before, seen, from === null)
  }

  log(entered, idle, null, false)
  let now = entry.at
  cohorts.open(now, true)
  for (let next = moments.next(now, entered.state); next !== null;) {
    now = next
    const due = outside.filter((each) => each.at <= now)
    outside.splice(0, due.length)
    // A command is carried out on what was folded by the look before it, of the same moment too.
    const commands = due.filter((each) => each.command !== undefined)
    for (const each of commands) if (!each.afterLook) lookAt(now, each)
    const opened = cohorts.open(now, false)
    const folded = rehearsal.fold(now)
    // The last one of an attempt turns without another that opens.
    const turned = cohorts.turn(now)
    if (turned) rehearsal.countLimits(now)
    const seen = due.filter((each) => each.command === undefined)
    for (const each of seen) lookAt(now, each)
    // Between what is folded and what is due nothing can change but the time.
    const changed = folded || opened || turned || moments.isDeadline
    const isLook = moments.isLookAt(now, rehearsal.state) ?? changed
    if (seen.length === 0 && isLook) lookAt(now, null)
    for (const each of commands) if (each.afterLook) lookAt(now, each)
    cohorts.open(now, true)
    onPassed(cohorts.passed)
    next = moments.next(now, rehearsal.state)
  }
  return {
    decisions,
    state: rehearsal.state,
    endedAt: now,
    otherWeightsFrom: cohorts.otherWeightsFrom,
    fidelities: found.map((f) => ({ ...f, gap: rehearsal.gap(f.id) })),
    unanswered: unansweredOf(plan, found),
    refused,
  }
}

/** What came from outside, and whether the log has a decision of the evidence of the same moment before it. */
function outsideIn(log: readonly Decision[]): (Outside & { readonly afterLook: boolean })[] {
  let lookedAt = -Infinity
  return log.flatMap((decision) => {
    const outside = outsideOf(decision)
    if (outside === null) lookedAt = decision.at
    return outside === null ? [] : [{ ...outside, afterLook: outside.at === lookedAt }]
  })
}

/** The decisions of a record that a replay can come to: from the one that entered the first weight on. */
export function decisionsToReplay({ plan, decisions }: AttemptRecord): readonly Decision[] {
  const isMirrored = hasMirrorStep(plan.steps)
  const first = decisions.findIndex(({ to }) =>
    isMirrored ? to.weights['canary']! > 0 : to.phase !== 'idle',
  )
  return first === -1 ? [] : decisions.slice(first)
}

function begun(plan: RolloutPlan, entry: Decision): RolloutState {
  const seen = { now: entry.at, past: NO_PAST, actor: entry.actor }
  const { state } = reconcile(plan, null, seen) as Transition
  return { ...state, attempt: Number(entry.rollout.slice(entry.rollout.lastIndexOf('#') + 1)) }
}

/**
 * When the attempt began, and how long it was paused before its first weight: `maxDuration` counts from there. Rules
 * without a mirror would have begun with the weight.
 */
function timeBefore(
  { decisions }: AttemptRecord,
  rules: RolloutPlan,
  entry: Decision,
): Pick<RolloutState, 'startedAt' | 'pausedMs'> {
  const none = { startedAt: entry.at, pausedMs: 0 }
  if (!hasMirrorStep(rules.steps)) return none
  const before = decisions.slice(0, decisions.indexOf(entry))
  const begins = before.findLastIndex(({ from, to }) => !isUnderWay(from) && isUnderWay(to))
  if (begins === -1) return none
  const mirrored = before.slice(begins)
  const pausedMs = mirrored.reduce((sum, { at, to }, index) => {
    const next = mirrored[index + 1] ?? entry
    return to.phase === 'paused' ? sum + next.at - at : sum
  }, 0)
  return { startedAt: mirrored[0]!.at, pausedMs }
}

function isUnderWay({ phase }: Standing): boolean {
  return phase === 'progressing' || phase === 'paused'
}
