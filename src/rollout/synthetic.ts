import type { Cohort, Pair } from '../domain/cohort.ts'
import { BASELINE_SIDE, CANARY_SIDE } from '../domain/cohort.ts'
import type { RolloutState } from '../domain/rollout-state.ts'
import { WHOLE_BP } from '../domain/units.ts'
import { breakerTrips } from '../statistics/breaker.ts'
import type { Draw } from '../statistics/sampling.ts'
import { isContinuous } from '../domain/hypothesis.ts'
import { drawCohort } from './draw-cohort.ts'
import { drawableRules } from './drawable-rules.ts'
import { LearntCaps } from './learnt-caps.ts'
import type { BreakerReading } from './observation.ts'
import { withoutMirrors, type RolloutPlan } from './plan.ts'
import { NO_PAST, reconcile } from './reconcile.ts'
import { Rehearsal } from './rehearsal.ts'
import { segmentsOf } from './segment-share.ts'
import type { SyntheticTraffic } from './synthetic-traffic.ts'
import { enterStep, EVALUATOR, type Transition } from './transition.ts'

/** How a rollout on made-up traffic ended. */
export type SyntheticEnd = {
  /** `promoted`: the canary got 100 %. `inconclusive`: the rollout's time was over. */
  readonly end: 'promoted' | 'rolled-back' | 'paused' | 'inconclusive'
  /** The reason of the decision that ended it. */
  readonly reason: string
  /** Since the first step began. */
  readonly afterMs: number
  /** The canary's weight when it was decided, in basis points. */
  readonly weightBp: number
}

/** Cohorts last this share of the time so far, where that is more than the interval. */
const RESOLUTION = 0.02

/** The breaker looks back over this much. */
const BREAKER_ATTEMPTS = 50
const BREAKER_SPAN_MS = 10_000

/** A cohort's attempts and failures by side. */
type Attempts = { readonly ms: number; readonly units: Pair; readonly failures: Readonly<Pair> }

/**
 * One rollout on made-up traffic, decided by the same fold, judge and step as a real one, up to its
 * `maxDuration`, from its first weight on. Approvals are given at once; upstreams are always reachable; every
 * request is a unit of its own (with a sticky key: every request is a new key's). What cannot be drawn is left
 * out (`drawableRules`). Cohorts grow with the time that has passed, so times are good to 2 %.
 */
export function rehearseSynthetic(
  rules: RolloutPlan,
  traffic: SyntheticTraffic,
  draw: Draw,
): SyntheticEnd {
  const { plan } = drawableRules(withoutMirrors(rules))
  const first = reconcile(plan, null, {
    now: 0,
    past: NO_PAST,
    actor: EVALUATOR,
  }) as Transition
  const seed = { action: 'start', reason: 'canary-ready', actor: EVALUATOR, note: null } as const
  const { state } = enterStep(plan, first.state, 0, 0, { ...seed, summary: '' })
  const rebet = new Set(plan.hypotheses.filter((h) => isContinuous(h.source)).map((h) => h.id))
  const rehearsal = new Rehearsal(plan, state, '', { rebet, boundsGaps: false })
  const { intervalMs, warmUpMs } = plan.spec.analysis
  const caps = new LearntCaps(plan, traffic)
  const segments = segmentsOf(rules.metrics)
  const attempts: Attempts[] = []
  let owed = 0
  let now = 0
  let found: SyntheticEnd | null = null
  for (let number = 1; found === null; number++) {
    const before = rehearsal.state
    const ms = Math.max(intervalMs, Math.ceil(now * RESOLUTION), now === 0 ? warmUpMs : 0)
    if (before.weightBp > 0) {
      owed += (traffic.requestsPerSecond * ms) / 1000
      const requests = Math.floor(owed)
      owed -= requests
      const at = { number, now, ms, judged: now >= warmUpMs, caps: caps.at(now) }
      const cohort = rehearsal.open(emptyCohort(before, segments, at), false)
      const failures = drawCohort(cohort, plan.hypotheses, traffic, requests, draw)
      caps.teach(cohort)
      attempts.push({ ms, units: cohort.assigned, failures })
    }
    now += ms
    rehearsal.fold(now)
    rehearsal.countLimits(now)
    const breaker = readBreaker(plan, attempts)
    const reason = lookOnce(rehearsal, now, breaker)
    const end = endOf(plan, rehearsal.state, now)
    if (end === null) continue
    const why = end === 'inconclusive' ? 'max-duration' : reason
    found = { end, reason: why, afterMs: now, weightBp: before.weightBp }
  }
  return found
}

/** Looks, approves where an approval is waited for, and says why the last decision was made. */
function lookOnce(rehearsal: Rehearsal, now: number, breaker: BreakerReading): string {
  const { result } = rehearsal.look(now, { breaker })
  const { state, decision } = result as Transition
  if (state.phase === 'paused' && state.pausedBy === 'approval') {
    const by = { actor: EVALUATOR, note: null, full: false } as const
    rehearsal.look(now, {}, { ...by, verb: 'promote' })
  }
  return decision?.reason ?? ''
}

function endOf(plan: RolloutPlan, state: RolloutState, now: number): SyntheticEnd['end'] | null {
  if (state.phase === 'watching') return 'promoted'
  if (state.phase === 'rolled-back') return 'rolled-back'
  if (state.phase === 'paused' && state.pausedBy !== 'timer') return 'paused'
  const isOver = now - state.startedAt - state.pausedMs >= plan.spec.maxDurationMs
  return state.phase === 'progressing' && isOver ? 'inconclusive' : null
}

function emptyCohort(
  { step, weightBp }: RolloutState,
  segments: readonly string[],
  at: {
    readonly number: number
    readonly now: number
    readonly ms: number
    readonly judged: boolean
    readonly caps: Readonly<Record<string, number>>
  },
): Cohort {
  const closedAt = at.now + at.ms
  return {
    number: at.number,
    rollout: '',
    step,
    pi: weightBp / WHOLE_BP,
    epoch: 0,
    judged: at.judged,
    openedAt: at.now,
    closedAt,
    settledAt: closedAt,
    terms: { thresholds: {}, bets: {}, caps: at.caps },
    assigned: [0, 0],
    observed: [0, 0],
    segments: Object.fromEntries(
      segments.map((name) => [name, { assigned: [0, 0], observed: [0, 0] }]),
    ),
    tallies: {},
  }
}

function readBreaker(plan: RolloutPlan, attempts: readonly Attempts[]): BreakerReading {
  const canary = { attempts: 0, failures: 0, clientErrors: 0 }
  const baseline = { attempts: 0, failures: 0, clientErrors: 0 }
  let ms = 0
  for (let index = attempts.length - 1; index >= 0; index--) {
    if (ms >= BREAKER_SPAN_MS && canary.attempts >= BREAKER_ATTEMPTS) break
    const { units, failures, ms: lasted } = attempts[index]!
    canary.attempts += units[CANARY_SIDE]
    canary.failures += failures[CANARY_SIDE]
    baseline.attempts += units[BASELINE_SIDE]
    baseline.failures += failures[BASELINE_SIDE]
    ms += lasted
  }
  const { breakerFailures: share } = plan.spec.analysis
  const tripped = breakerTrips({ canary, baseline, baselineLast: null, share, warmUp: false })
  return { tripped, canary, baseline }
}
