import type { BetTally, Cohort, EventTally, Pair, Side } from '../../src/domain/cohort.ts'
import type { Evidence } from '../../src/domain/evidence.ts'
import { proofRatio, type Hypothesis } from '../../src/domain/hypothesis.ts'
import { foldAssignments, foldHypothesis, type HarmSince } from '../../src/rollout/fold-cohort.ts'
import type { RolloutPlan } from '../../src/rollout/plan.ts'
import { publishTerms } from '../../src/rollout/terms.ts'
import { emptyEvidence } from '../../src/statistics/empty-evidence.ts'
import { addBet } from '../../src/statistics/mean-bet.ts'
import { scoreValue } from '../../src/statistics/score.ts'
import { isNewStart, planStarts } from '../../src/statistics/start-mixture.ts'

/** Where a tick of a simulated rollout stands. */
export type Place = {
  /** Probability of the canary. */
  readonly pi: number
  /** Index of the step; 0 where there is one only. */
  readonly step?: number
}

/** Units of a tick and those of them with the event, each [baseline, canary]. */
export type EventCounts = { readonly units: Pair; readonly events: Pair }

/**
 * The evidence of one simulated attempt, gathered by serin's own core: terms are published from earlier
 * cohorts, cohorts are folded in order, start points come at the times that the core says. What the
 * gateway adds around it (books, ledger, store) is left out.
 */
export class Attempt {
  readonly plan: RolloutPlan
  readonly #blockMs: number
  readonly #noHarmSince: HarmSince = () => [[], []]
  #evidence: Evidence
  #number = 0
  #step = 0
  #lastStart = 0

  /** A tick is a second; `oneStart`: without the start points that find late harm. */
  constructor(plan: RolloutPlan, oneStart = false) {
    this.plan = plan
    this.#evidence = emptyEvidence('calibration', plan.hypotheses, 0)
    this.#blockMs = oneStart
      ? Infinity
      : planStarts({
          maxDurationMs: plan.spec.maxDurationMs,
          cohortMs: 1000,
          phaseChanges: plan.steps.length,
        }).blockMs
  }

  get evidence(): Evidence {
    return this.#evidence
  }

  /** Index of the newest start point: that of the cohort that was opened last. */
  get epoch(): number {
    return this.#evidence.starts.length - 1
  }

  /** Opens the cohort of the next tick. `quantile`: of the baseline's latencies so far. */
  open(place: Place, quantile: (q: number) => number | null = () => null): Cohort {
    const step = place.step ?? 0
    const number = this.#number++
    this.#addStart(step, number)
    return {
      number,
      rollout: 'calibration',
      step,
      pi: place.pi,
      epoch: this.epoch,
      judged: true,
      openedAt: number * 1000,
      closedAt: number * 1000 + 1000,
      terms: publishTerms(this.plan.hypotheses, this.#evidence, place.pi, (asked) =>
        quantile(asked.quantile),
      ),
      assigned: [0, 0],
      observed: [0, 0],
      tallies: {},
    }
  }

  /** Folds a cohort into the hypotheses that it has tallies of. */
  fold(cohort: Cohort, harmSince: HarmSince = this.#noHarmSince): void {
    for (const hypothesis of this.plan.hypotheses) {
      if (cohort.tallies[hypothesis.id] === undefined) continue
      this.#evidence = foldHypothesis(this.#evidence, hypothesis, cohort, harmSince)
    }
    if (cohort.assigned[0] + cohort.assigned[1] > 0) {
      this.#evidence = foldAssignments(this.#evidence, cohort)
    }
  }

  /** Whether harm is shown, of any metric that rolls back. */
  isHarmed(): boolean {
    return this.plan.hypotheses.some(
      (h) =>
        h.required &&
        h.onFailure === 'rollback' &&
        this.#evidence.hypotheses[h.id]!.sup.harm >= Math.log(1 / h.harm.alpha),
    )
  }

  /** Whether a hypothesis is proved no worse, over the whole attempt. */
  isProved(id: string): boolean {
    const { proof } = this.plan.hypotheses.find((h) => h.id === id)!
    return this.#evidence.hypotheses[id]!.sup.proof >= Math.log(1 / proof!.alpha)
  }

  #addStart(step: number, number: number): void {
    const phaseChanged = step !== this.#step
    this.#step = step
    const { starts } = this.#evidence
    if (number === 0 || this.#blockMs === Infinity) return
    const isNew = isNewStart({
      starts: starts.length,
      phaseChanged,
      reserved: this.plan.steps.length - 1 - step,
      sinceLastStartMs: (number - this.#lastStart) * 1000,
      blockMs: this.#blockMs,
    })
    if (!isNew) return
    this.#lastStart = number
    this.#evidence = {
      ...this.#evidence,
      starts: [...starts, number],
      stepStart: phaseChanged ? starts.length : this.#evidence.stepStart,
    }
  }
}

/** The tally of units that are judged once each; where the harm threshold is another one, of its own events. */
export function eventTally(counts: EventCounts, harmEvents = counts.events): EventTally {
  return {
    kind: 'event',
    trials: [...counts.units],
    events: [...counts.events],
    harmEvents: [...harmEvents],
    harmUnits: null,
  }
}

/** The values of a continuous hypothesis in one cohort, bet on as the gateway does. */
export class Bets {
  readonly tally: BetTally
  readonly #cohort: Cohort
  readonly #hypothesis: Hypothesis
  readonly #most: number

  constructor(cohort: Cohort, hypothesis: Hypothesis) {
    const { source } = hypothesis
    if (source.of !== 'score') throw new Error(`${hypothesis.id} has no values`)
    this.#cohort = cohort
    this.#hypothesis = hypothesis
    this.#most = scoreValue(source.score, source.cap ?? Infinity)
    const bets = cohort.terms.bets[hypothesis.id]
    this.tally = {
      kind: 'bet',
      n: [0, 0],
      sum: [0, 0],
      sumSq: [0, 0],
      harm: bets?.harm.map(() => 0) ?? [],
      proof: bets?.proof.map(() => 0) ?? [],
    }
  }

  /** `y`: the value whose means are compared, for RMSE the squared error. */
  add(side: Side, y: number): void {
    const capped = Math.min(y, this.#most)
    this.tally.n[side] += 1
    this.tally.sum[side] += capped
    this.tally.sumSq[side] += capped * capped
    const terms = this.#cohort.terms.bets[this.#hypothesis.id]
    if (terms === undefined) return
    const { harm } = this.#hypothesis
    const proof = proofRatio(this.#hypothesis)
    addBet(this.tally, terms, side, capped, this.#cohort.pi, harm.ratio, proof)
  }
}
