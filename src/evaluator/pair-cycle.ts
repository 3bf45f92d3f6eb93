import type { Evidence } from '../domain/evidence.ts'
import type { RolloutState } from '../domain/rollout-state.ts'
import { PairLedger } from '../metrics/pair-ledger.ts'
import { foldPairs } from '../rollout/fold-pairs.ts'
import { runningMirror } from '../rollout/mirror-step.ts'
import type { RolloutPlan } from '../rollout/plan.ts'
import { isCompared } from '../rollout/transition.ts'
import type { CycleBook } from './cycle-book.ts'

/** The pairs of one attempt's mirror steps, from the copy that leaves to evidence. */
export class PairCycle {
  readonly #ledger = new PairLedger()
  #plan: RolloutPlan

  constructor(plan: RolloutPlan, book: Pick<CycleBook, 'usePairs'>) {
    this.#plan = plan
    book.usePairs(this.#ledger)
  }

  /** Goes on under a plan that asks the same questions. */
  replan(plan: RolloutPlan, book: Pick<CycleBook, 'usePairs'>): void {
    this.#plan = plan
    book.usePairs(this.#ledger)
  }

  /** A new interval begins: copies are evidence in a mirror step after its warm-up. */
  turn(state: RolloutState, now: number, judged: boolean): void {
    const isEvidence =
      judged && isCompared(state) && runningMirror(this.#plan.steps, state) !== null
    this.#ledger.turn(isEvidence ? state.step : null, now)
  }

  /**
   * The evidence with what has settled; the same object where nothing has. Mirror evidence ends with the
   * last mirror step: what settles later is left out.
   */
  fold(evidence: Evidence, state: RolloutState, now: number): Evidence {
    const settled = this.#ledger.settle(now)
    if (runningMirror(this.#plan.steps, state) === null) return evidence
    return settled.reduce((all, cohort) => foldPairs(all, this.#plan.pairTests, cohort), evidence)
  }
}
