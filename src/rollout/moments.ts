import type { Cohort } from '../domain/cohort.ts'
import type { Decision } from '../domain/decision.ts'
import type { RolloutState } from '../domain/rollout-state.ts'
import type { RolloutPlan } from './plan.ts'
import { EVALUATOR } from './transition.ts'

/** The evaluator looks this often; a look of a busy process comes later, but hardly by more than as much. */
const LOOK_MS = 250

/**
 * The moments at which a record can change anything: when cohorts opened, closed, settled or had waited for
 * their labels, when something stands in the log, and when the plan has something due.
 */
export class Moments {
  readonly #plan: RolloutPlan
  readonly #until: number
  /** Sorted: what was recorded, and with it the times at which labels had been waited for. */
  readonly #recorded: readonly number[]
  readonly #all: readonly number[]
  /** Sorted: when the evaluator decided anything. */
  readonly #decided: readonly number[]
  #isDeadline = false

  constructor(
    record: {
      readonly cohorts: readonly Cohort[]
      readonly decisions: readonly Decision[]
      readonly until: number
    },
    plan: RolloutPlan,
  ) {
    this.#plan = plan
    this.#until = record.until
    this.#recorded = sorted([
      ...record.cohorts.flatMap((c) => [c.openedAt, c.closedAt!, c.settledAt ?? c.closedAt!]),
      ...record.decisions.map((d) => d.at),
    ])
    this.#decided = sorted(record.decisions.filter((d) => d.actor === EVALUATOR).map((d) => d.at))
    const sources = plan.hypotheses.map((h) => h.source)
    const windows = new Set(sources.flatMap((s) => ('windowMs' in s ? [s.windowMs] : [])))
    const folds = [...windows].flatMap((ms) =>
      record.cohorts.map((c) => this.#noticed(c.closedAt! + ms)),
    )
    this.#all = sorted([...this.#recorded, ...folds])
  }

  /** Whether the moment that `next` gave last is one at which the plan has something due. */
  get isDeadline(): boolean {
    return this.#isDeadline
  }

  /** The first moment after `now`; null where the record ends. A watch ends without any traffic. */
  next(now: number, state: RolloutState): number | null {
    const index = firstFrom(this.#all, now)
    const moment = this.#all[this.#all[index] === now ? index + 1 : index] ?? Infinity
    const due = deadlines(this.#plan, state, now)
      .map((at) => this.#noticed(at))
      .filter((at) => at > now)
    const deadline = Math.min(...due)
    const next = Math.min(moment, deadline)
    if (next > this.#until || (moment === Infinity && state.phase !== 'watching')) return null
    this.#isDeadline = next === deadline
    return next
  }

  /**
   * Whether a look came at `now` after a command of that moment, which shows only where the command began a watch of no time:
   * the look ends it. Null: it does not show.
   */
  isLookAt(now: number, state: RolloutState): boolean | null {
    if (state.phase !== 'watching' || state.watchUntil !== now) return null
    return this.#decided[firstFrom(this.#decided, now)] === now
  }

  /** The look that notices what is due at `at`: a recorded moment where one came soon enough. */
  #noticed(at: number): number {
    const recorded = this.#recorded[firstFrom(this.#recorded, at)] ?? Infinity
    if (recorded <= at + LOOK_MS) return recorded
    const decided = this.#decided[firstFrom(this.#decided, at)] ?? Infinity
    return decided <= at + 2 * LOOK_MS ? decided : at + LOOK_MS
  }
}

function deadlines(plan: RolloutPlan, state: RolloutState, now: number): readonly number[] {
  switch (state.phase) {
    case 'progressing': {
      const step = plan.steps[state.step]!
      const least = step.kind === 'pause' ? 0 : step.minDurationMs
      const most = plan.spec.maxDurationMs + state.pausedMs
      return [state.stepEnteredAt + least, state.startedAt + most]
    }
    case 'paused':
      return state.resumeAt === null ? [] : [state.resumeAt]
    case 'watching':
      // A watch of no time is over at the look after the one that began it.
      return [state.watchUntil === now ? now + 1 : state.watchUntil]
    default:
      return []
  }
}

/** Index of the first time ≥ `at`. */
function firstFrom(times: readonly number[], at: number): number {
  let low = 0
  let high = times.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (times[middle]! < at) low = middle + 1
    else high = middle
  }
  return low
}

function sorted(times: readonly number[]): readonly number[] {
  return [...new Set(times)].sort((a, b) => a - b)
}
