import {
  BASELINE_SIDE,
  type BetTally,
  type Cohort,
  type CohortTerms,
  type EventTally,
  type Side,
} from '../domain/cohort.ts'
import { isContinuous, proofRatio, type Hypothesis, type Score } from '../domain/hypothesis.ts'
import type { Outcome } from '../domain/outcome.ts'
import type { Prediction } from '../domain/prediction.ts'
import { addBet } from '../statistics/mean-bet.ts'
import { rawScore, scoreValue } from '../statistics/score.ts'
import { addToBins } from '../statistics/value-bins.ts'
import { Bag } from './bag.ts'
import { CapLearner } from './cap-learner.ts'
import type { Ticket } from './recorder.ts'
import { bookEvent, emptyBetTally, emptyEventTally } from './tally.ts'
import { UnitIndex } from './unit-index.ts'

/** A stream that has run well for this long counts as answered; what has no head by then never will. */
export const SETTLE_MS = 30_000

/** A cohort with what is still under way in it. */
export type Slot = {
  readonly cohort: Cohort
  /** Assigned, and without an outcome so far. */
  readonly live: Bag<Ticket>
  /** Keys that this cohort judged first. */
  readonly newUnits: number[]
  /** A judged request was assigned in it; else there is nothing to fold and nothing to store. */
  used: boolean
  /** Every outcome is known or expired: nothing in the outcome tallies changes any more. */
  settled: boolean
  /** The store has it: a label that changes it must be stored with it. */
  persisted: boolean
}

/** What a cohort is opened with. */
export type Opening = {
  readonly number: number
  readonly rollout: string
  readonly step: number
  readonly pi: number
  readonly epoch: number
  readonly judged: boolean
  readonly terms: CohortTerms
  readonly now: number
}

/** What is asked of the labels for one metric. */
type LabelQuestions = {
  readonly metric: string
  readonly score: Score
  /** The score itself, its share above the cap, and the labels that are missing. */
  readonly hypotheses: readonly Hypothesis[]
}

/**
 * The cohorts of one rollout attempt: requests are booked into the cohort that was open when they were
 * assigned, whenever their outcome or label arrives. Booking is O(hypotheses).
 */
export class CohortLedger {
  readonly units: UnitIndex
  readonly #hypotheses: readonly Hypothesis[]
  readonly #keyed: boolean
  readonly #failures: readonly string[]
  readonly #noAnswers: readonly string[]
  readonly #latencies: readonly string[]
  readonly #labels: readonly LabelQuestions[]
  readonly #slots = new Map<number, Slot>()
  readonly #capLearner = new CapLearner()
  #open: Slot | null = null

  constructor(hypotheses: readonly Hypothesis[], keyed: boolean, maxUnits: number) {
    this.units = new UnitIndex(maxUnits)
    this.#hypotheses = hypotheses
    this.#keyed = keyed
    const ids = (of: Hypothesis['source']['of']) =>
      hypotheses.filter((h) => h.source.of === of).map((h) => h.id)
    this.#failures = ids('failure')
    this.#noAnswers = ids('no-answer')
    this.#latencies = ids('latency')
    this.#labels = hypotheses.flatMap(({ source, metric }) =>
      source.of !== 'score'
        ? []
        : [
            {
              metric: metric!,
              score: source.score,
              hypotheses: hypotheses.filter((h) => h.metric === metric),
            },
          ],
    )
  }

  /** The cohort that takes assignments now; null while nothing is compared. */
  get current(): Cohort | null {
    return this.#open?.cohort ?? null
  }

  /** All cohorts that some hypothesis has not folded, in assignment order. */
  slots(): Iterable<Slot> {
    return this.#slots.values()
  }

  /** Closes the open cohort and opens the next one. */
  open(opening: Opening): Cohort {
    this.close(opening.now)
    const { now, ...rest } = opening
    const cohort: Cohort = {
      ...rest,
      openedAt: now,
      closedAt: null,
      assigned: [0, 0],
      observed: [0, 0],
      tallies: this.#emptyTallies(),
    }
    this.#open = {
      ...{ cohort, live: new Bag(), newUnits: [], used: false },
      ...{ settled: false, persisted: false },
    }
    this.#slots.set(cohort.number, this.#open)
    return cohort
  }

  /** Closes the open cohort: later assignments are no evidence until another one opens. */
  close(now: number): void {
    if (this.#open === null) return
    this.#open.cohort.closedAt = now
    this.#open = null
  }

  /**
   * Books a draw into the open cohort; null when it is no evidence (nothing open, or warm-up).
   * `observed`: its prediction will be looked at.
   */
  assign(
    side: Side,
    unit: number | null,
    observed: boolean,
  ): { cohort: Cohort; first: boolean } | null {
    if (this.#open === null || !this.#open.cohort.judged) return null
    const { cohort, newUnits } = this.#open
    const first = unit === null || this.units.claim(unit)
    if (first) {
      cohort.assigned[side]++
      if (observed) cohort.observed[side]++
      if (unit !== null) newUnits.push(unit)
    } else if (!this.units.knows(unit)) {
      return null
    }
    this.#open.used = true
    return { cohort, first }
  }

  /** The ticket of that draw is under way. */
  track(ticket: Ticket): void {
    this.#slots.get(ticket.cohort!.number)?.live.add(ticket)
  }

  /** Books a tracked ticket's outcome; ignored when its cohort has settled without it. */
  settle(ticket: Ticket, outcome: Outcome, durationMs: number): void {
    const slot = this.#slots.get(ticket.cohort!.number)
    if (slot === undefined || !slot.live.remove(ticket)) return
    this.#book(slot.cohort, ticket, outcome, durationMs)
  }

  /**
   * Books a label. `late`: its cohort was folded without it. The cohort comes back when the store has
   * it already, since it must then be stored again with the join.
   */
  label(
    prediction: Prediction,
    label: number,
  ): { readonly result: 'joined' | 'late'; readonly cohort: Cohort | null } {
    const slot = this.#slots.get(prediction.cohort)
    if (slot === undefined) return { result: 'late', cohort: null }
    for (const questions of this.#labels) {
      const raw =
        prediction.value === null ? null : rawScore(questions.score, prediction.value, label)
      // A prediction that cannot be scored stays without a label: it is missed on its side.
      if (raw !== null) this.#bookScore(slot.cohort, questions, prediction.side, raw)
    }
    return { result: 'joined', cohort: slot.persisted ? slot.cohort : null }
  }

  /** Marks cohorts as settled: all outcomes known, or the settle time passed. Strictly in order. */
  settleUntil(now: number, monotonicNow: number): readonly Slot[] {
    const settled: Slot[] = []
    for (const slot of this.#slots.values()) {
      if (slot.settled) continue
      const { closedAt } = slot.cohort
      if (closedAt === null) break
      if (slot.live.size > 0) {
        if (now - closedAt < SETTLE_MS) break
        for (const ticket of slot.live.empty()) {
          const outcome = ticket.headAt === null ? 'no_answer' : 'ok'
          this.#book(slot.cohort, ticket, outcome, monotonicNow - ticket.startedAt)
        }
      }
      slot.settled = true
      slot.cohort.settledAt = now
      settled.push(slot)
    }
    return settled
  }

  /** Forgets a cohort that every hypothesis has folded. */
  drop(number: number): void {
    this.#slots.delete(number)
  }

  /** Takes back settled cohorts from the store, in order. */
  restore(cohorts: readonly Cohort[]): void {
    for (const cohort of cohorts) {
      this.#slots.set(cohort.number, {
        cohort,
        live: new Bag(),
        newUnits: [],
        used: true,
        settled: true,
        persisted: true,
      })
    }
  }

  /** The cap that the baseline's first labels of a metric have taught, once; null = not enough of them yet. */
  takeLearntCap(metric: string, minLabels: number): number | null {
    const cap = this.#capLearner.cap(metric, minLabels)
    if (cap !== null) this.#capLearner.forget(metric)
    return cap
  }

  #emptyTallies(): Cohort['tallies'] {
    return Object.fromEntries(
      this.#hypotheses.map((h) => [
        h.id,
        isContinuous(h.source) ? emptyBetTally() : emptyEventTally(this.#keyed),
      ]),
    )
  }

  #book(cohort: Cohort, ticket: Ticket, outcome: Outcome, durationMs: number): void {
    // Client aborts and full queues are what slowness causes: they stay in the sample as requests
    // without an answer and as slow ones, and are no errors of the variant.
    const answered = outcome === 'ok' || outcome === 'failed'
    const failed = outcome === 'failed'
    const request = { side: ticket.side!, unit: ticket.unit, first: ticket.first }
    const book = (id: string, isHarm: boolean, isProofEvent: boolean) =>
      bookEvent(cohort.tallies[id] as EventTally, request, isHarm, isProofEvent)
    for (const id of this.#failures) book(id, failed, failed)
    for (const id of this.#noAnswers) book(id, !answered, !answered)
    for (const id of this.#latencies) {
      const terms = cohort.terms.thresholds[id]
      if (terms === undefined) continue
      const onBaseline = ticket.side === BASELINE_SIDE
      const harmMs = onBaseline ? terms.baselineMs : terms.harmMs
      const proofMs = onBaseline ? terms.baselineMs : terms.proofMs
      // A failure is slow, however fast it came: else a side would look the better the more it fails.
      const slow = outcome !== 'ok'
      book(id, slow || durationMs > harmMs, slow || durationMs > proofMs)
    }
  }

  #bookScore(
    cohort: Cohort,
    { metric, score, hypotheses }: LabelQuestions,
    side: Side,
    raw: number,
  ) {
    const cap = cohort.terms.caps[metric]
    if (cap === undefined && side === BASELINE_SIDE) this.#capLearner.add(metric, raw)
    for (const hypothesis of hypotheses) {
      const { source, id } = hypothesis
      if (source.of === 'label-missing') {
        ;(cohort.tallies[id] as EventTally).trials[side]++
      } else if (cap === undefined) {
        continue
      } else if (source.of === 'above-cap') {
        const tally = cohort.tallies[id] as EventTally
        tally.trials[side]++
        if (raw > cap) {
          tally.events[side]++
          tally.harmEvents[side]++
        }
      } else {
        this.#bookBet(cohort, hypothesis, side, scoreValue(score, Math.min(raw, cap)))
      }
    }
  }

  #bookBet(cohort: Cohort, hypothesis: Hypothesis, side: Side, y: number): void {
    const tally = cohort.tallies[hypothesis.id] as BetTally
    tally.n[side]++
    tally.sum[side] += y
    tally.sumSq[side] += y * y
    if (tally.bins !== undefined) addToBins(tally.bins[side], y)
    const terms = cohort.terms.bets[hypothesis.id]
    if (terms === undefined) return
    addBet(tally, terms, side, y, cohort.pi, hypothesis.harm.ratio, proofRatio(hypothesis))
  }
}
