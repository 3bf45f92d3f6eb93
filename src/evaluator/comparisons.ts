import { UnitClaims } from '../metrics/unit-claims.ts'
import type { ServiceBook } from '../metrics/service-recorder.ts'
import { experimentId, type ExperimentState } from '../rollout/experiment.ts'
import { experimentKey, type ExperimentPlan } from '../rollout/experiment-plan.ts'
import type { Lease, RolloutRecord } from '../store/store.ts'
import { ComparisonCycle } from './comparison-cycle.ts'
import { Following } from './following.ts'
import type { ExperimentDeps } from './runner-deps.ts'
import { SharedKeys } from './shared-keys.ts'

/** Where the comparisons of an experiment begin. */
type Start = {
  readonly plan: ExperimentPlan
  readonly state: ExperimentState
  /** What the store has of each, by challenger. */
  readonly records: ReadonlyMap<string, RolloutRecord | null>
  /** What the evidence in them was gathered under. */
  readonly margins: string
  readonly book: ServiceBook
}

type Deps = Pick<ExperimentDeps, 'store' | 'clock' | 'word' | 'nameShares' | 'others'>

/**
 * The comparisons of one attempt of an experiment. They turn together, so that a cohort has one number in all of them,
 * and claim keys together, so that the request that a key is judged by is the same in all of them.
 */
export class Comparisons {
  readonly all: readonly ComparisonCycle[]
  readonly #id: string
  readonly #deps: Deps

  /** `before`: those that end here. What they owe of what another process decides goes on in the same attempt. */
  constructor(
    deps: Deps,
    { plan, state, records, margins, book }: Start,
    before: Comparisons | null,
  ) {
    const id = experimentId(plan, state)
    const now = deps.clock.now()
    const keys = new SharedKeys(experimentKey(plan.service))
    this.#id = id
    this.#deps = deps
    const same = before !== null && before.#id === id ? before.all : []
    this.all = plan.comparisons.map((comparison) => {
      const { variant } = comparison
      const record = records.get(variant) ?? null
      const start = { experiment: state, record, margins, book, id, now }
      const following = same.find((c) => c.variant === variant)?.following ?? new Following(deps)
      return new ComparisonCycle(comparison, start, keys, following)
    })
  }

  /** Keys that others may have judged before; null = nothing is compared. */
  get claims(): UnitClaims | null {
    return this.all[0]?.claims ?? null
  }

  /** Goes on under a plan that asks the same questions. */
  replan(plan: ExperimentPlan, book: ServiceBook): void {
    for (const [index, comparison] of plan.comparisons.entries()) {
      this.all[index]!.replan(comparison, book, this.#id)
    }
  }

  /** Closes the open cohorts and, while the split holds, opens the next ones; see CohortCycle. */
  turn(now: number, holds: boolean, judged: boolean): void {
    const { learnt, pairFigures, publish, areThere } = this.#deps.others
    const after = Math.max(0, ...this.all.map((c) => c.lastNumber))
    // Asked once: who is there for one comparison is for all of them.
    const isAnyThere = areThere()
    const others = { learnt, pairFigures, publish, areThere: () => isAnyThere }
    for (const each of this.all) each.turn(now, holds, judged, after, others)
  }

  /** Books what is served here into the cohorts of who decides. */
  async takePart(holds: boolean): Promise<void> {
    // Those that take part already go on with their claims.
    const claims = this.all[0]?.following.cohorts?.claims ?? new UnitClaims()
    const heard = await Promise.all(this.all.map((each) => each.listen(holds, claims)))
    const { clock } = this.#deps
    const [now, monotonicNow] = [clock.now(), clock.monotonic()]
    // None may open without the others.
    for (const takePart of heard) takePart(now, monotonicNow)
  }

  /** This process decides now. */
  lead(): void {
    for (const each of this.all) each.lead()
  }

  /** Settles and folds what is ready, with the shares of others. */
  async fold(now: number): Promise<void> {
    const { others, clock } = this.#deps
    for (const each of this.all) {
      await each.gather(others, now, clock.monotonic())
      each.fold(now, clock.monotonic())
    }
  }

  /** Ends the open cohorts for good; see endCycle. */
  async end(): Promise<void> {
    for (const each of this.all) await each.end(this.#deps)
  }

  /** Stores what was folded; throws where the store has been written by somebody else. */
  async commit(lease: Lease): Promise<void> {
    for (const each of this.all) await each.commit(this.#deps.store, lease)
  }
}
