import type { Evidence } from '../domain/evidence.ts'
import type { RolloutState } from '../domain/rollout-state.ts'
import type { RolloutPlan } from '../rollout/plan.ts'
import { isNewStart, planStarts, type StartPlan } from '../statistics/start-mixture.ts'

/** The start points of one attempt, as its cohorts open. */
export class StartPoints {
  readonly #planned: StartPlan
  #lastStartAt: number
  /** Step of the newest cohort; null = none has opened. */
  #step: number | null

  /** `step`: of the newest cohort, where an attempt goes on: a restart is no change of phase. */
  constructor(plan: RolloutPlan, now: number, step: number | null) {
    const { maxDurationMs, analysis, holdbackBp, watchMs } = plan.spec
    const phaseChanges = plan.steps.length
    const cohortMs = analysis.intervalMs
    const watch = holdbackBp > 0 ? { watchMs } : undefined
    this.#planned = planStarts({ maxDurationMs, cohortMs, phaseChanges, ...watch })
    this.#lastStartAt = now
    this.#step = step
  }

  /** The evidence as cohort `number` opens: with a start point that begins there, where one is due. */
  open(
    evidence: Evidence,
    { step }: RolloutState,
    plan: RolloutPlan,
    number: number,
    now: number,
  ): Evidence {
    const phaseChanged = step !== this.#step
    const isFirst = this.#step === null
    this.#step = step
    if (isFirst) {
      this.#lastStartAt = now
      return { ...evidence, starts: [number], stepStart: 0 }
    }
    const phaseChangesLeft = plan.steps.length - 1 - step
    const { watch, blockMs } = this.#planned
    const isInWatch = phaseChangesLeft === 0 && watch.blocks > 0
    const isNew = isNewStart({
      starts: evidence.starts.length,
      phaseChanged,
      reserved: phaseChangesLeft + (isInWatch ? 0 : watch.blocks),
      sinceLastStartMs: now - this.#lastStartAt,
      blockMs: isInWatch ? watch.blockMs : blockMs,
    })
    if (isNew) this.#lastStartAt = now
    const starts = isNew ? [...evidence.starts, number] : evidence.starts
    const stepStart = phaseChanged ? starts.length - 1 : evidence.stepStart
    return { ...evidence, starts, stepStart }
  }
}
