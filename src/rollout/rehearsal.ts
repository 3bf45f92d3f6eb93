import type { BetTally, Cohort } from '../domain/cohort.ts'
import type { Command } from '../domain/decision.ts'
import type { EventEvidence, Evidence } from '../domain/evidence.ts'
import type { Hypothesis } from '../domain/hypothesis.ts'
import { proofRatio } from '../domain/hypothesis.ts'
import type { RolloutState } from '../domain/rollout-state.ts'
import { WHOLE_BP } from '../domain/units.ts'
import type { MetricValue } from '../domain/verdict.ts'
import { emptyEvidence, emptyRatio } from '../statistics/empty-evidence.ts'
import { MAX_STARTS } from '../statistics/start-mixture.ts'
import { hasBins, rebet, rebetGap, type BetLogs } from '../statistics/rebet.ts'
import { stepValue } from './figures.ts'
import { FirstEvents } from './first-events.ts'
import { foldAssignments, foldHypothesis } from './fold-cohort.ts'
import { GUARD_ALPHA } from './hypotheses.ts'
import { judge } from './judge.ts'
import { LaterValues } from './later-values.ts'
import { countLimitTicks, readLimits, type LimitReading } from './limits.ts'
import type { Observation } from './observation.ts'
import type { RolloutPlan } from './plan.ts'
import { step } from './step.ts'
import { publishTerms } from './terms.ts'
import type { Refusal, Transition } from './transition.ts'
import { judgedPerSecond, stepCanaryUnits } from './units.ts'

const NOBODY = { looked: 0, unreadable: 0 }

/** What a rehearsal finds in answers that nobody gives. */
const NO_PREDICTIONS = { baseline: NOBODY, canary: NOBODY }

/** What one look decided, and what it saw. */
export type Look = { readonly result: Transition | Refusal; readonly seen: Observation }

const NO_VALUE: MetricValue = { value: null, n: 0 }
const HEALTHY = { ready: true, downForMs: 0, failing: false }
const NO_ATTEMPTS = { attempts: 0, failures: 0, clientErrors: 0 }

/**
 * One attempt as it goes under a plan, driven by cohorts and moments that are handed in: the fold, the
 * judge and the step of the evaluator, without books, clock and store. What a cohort does not know is
 * taken to be well: upstreams are reachable, the breaker rests, latency limits are kept, promotions are
 * confirmed at once. A limit on failures needs a hypothesis that counts them.
 */
export class Rehearsal {
  readonly #plan: RolloutPlan
  /** Hypotheses that are bet on anew, from the bins of their values. */
  readonly #rebet: readonly Hypothesis[]
  readonly #firstEvents = new FirstEvents()
  readonly #later = new LaterValues()
  readonly #cohorts: Cohort[] = []
  readonly #foldedUntil = new Map<string, number>()
  readonly #gaps = new Map<string, BetLogs>()
  readonly #boundsGaps: boolean
  #settled = 0
  #openStep = -1
  #state: RolloutState
  #evidence: Evidence

  constructor(
    plan: RolloutPlan,
    state: RolloutState,
    rollout: string,
    options: {
      /** Ids of continuous hypotheses whose recorded bets were made otherwise, or not at all. */
      readonly rebet: ReadonlySet<string>
      /** Whether to find out how far bets on bins are off: `gap`. */
      readonly boundsGaps: boolean
    },
  ) {
    this.#plan = plan
    this.#state = state
    this.#rebet = plan.hypotheses.filter((h) => options.rebet.has(h.id))
    this.#boundsGaps = options.boundsGaps
    this.#evidence = emptyEvidence(rollout, plan.hypotheses, 0)
  }

  get state(): RolloutState {
    return this.#state
  }

  get evidence(): Evidence {
    return this.#evidence
  }

  /** How much less the log-evidence of a hypothesis that was bet on anew can be; 0 where it is exact. */
  gap(id: string): number {
    const gaps = this.#gaps.get(id)
    return gaps === undefined ? 0 : Math.max(...gaps.harm, ...gaps.proof)
  }

  /**
   * Gives a cohort its place in this attempt: the step and the start point that it opens in, and the bets
   * that are made on it. It is folded once its `settledAt` has come (where that is not known, `closedAt`).
   * `startsBlock`: a start point begins with it beside those at changes of the step.
   */
  open(cohort: Cohort, startsBlock: boolean): Cohort {
    const { caps, bins } = cohort.terms
    this.#evidence = { ...this.#evidence, caps: { ...this.#evidence.caps, ...caps } }
    if (bins !== undefined) this.#evidence = { ...this.#evidence, bins }
    this.#addStart(cohort.number, startsBlock)
    const { step: index } = this.#state
    const bets = { ...cohort.terms.bets, ...this.#newBets(cohort) }
    const placed = {
      ...cohort,
      step: index,
      epoch: this.#evidence.starts.length - 1,
      terms: { ...cohort.terms, bets },
    }
    this.#cohorts.push(placed)
    return placed
  }

  /** Folds what is ready at `now`, strictly in order; true where anything was. */
  fold(now: number): boolean {
    const before = this.#evidence
    for (; this.#settled < this.#cohorts.length; this.#settled++) {
      const cohort = this.#cohorts[this.#settled]!
      if ((cohort.settledAt ?? cohort.closedAt!) > now) break
      this.#evidence = foldAssignments(this.#evidence, cohort)
    }
    for (const hypothesis of this.#plan.hypotheses) this.#foldHypothesis(hypothesis, now)
    return this.#evidence !== before
  }

  /** An interval is over at `now`: the absolute limits are looked at, as often as in life. */
  countLimits(now: number): void {
    const limits = this.#limits(now)
    if (limits.length === 0) return
    const limitTicks = countLimitTicks(this.#evidence.limitTicks, limits)
    this.#evidence = { ...this.#evidence, limitTicks }
  }

  /** One look at `now`, or an operator's command; `world` says what the cohorts do not know. */
  look(now: number, world: Partial<Observation> = {}, command?: Command): Look {
    const seen = { ...this.#observe(now), ...world }
    const result =
      command === undefined
        ? step(this.#plan, this.#state, seen)
        : step(this.#plan, this.#state, seen, command)
    if ('refused' in result) return { result, seen }
    this.#state = result.state
    if (result.resetRatio) {
      const { foldedThrough } = this.#evidence.ratio
      this.#evidence = { ...this.#evidence, ratio: emptyRatio(foldedThrough) }
    }
    return { result, seen }
  }

  #addStart(number: number, startsBlock: boolean): void {
    const { starts } = this.#evidence
    const isFirst = this.#openStep === -1
    const stepChanged = this.#state.step !== this.#openStep
    this.#openStep = this.#state.step
    const isNew = (stepChanged || startsBlock) && starts.length < MAX_STARTS
    const next = isFirst ? [number] : isNew ? [...starts, number] : starts
    const stepStart = stepChanged ? next.length - 1 : this.#evidence.stepStart
    this.#evidence = { ...this.#evidence, starts: next, stepStart }
  }

  #newBets({ pi }: Cohort): Cohort['terms']['bets'] {
    if (this.#rebet.length === 0) return {}
    const { hypotheses } = this.#plan
    // Thresholds of latencies are never made anew.
    const { bets } = publishTerms(hypotheses, this.#evidence, pi, () => null)
    const ids = this.#rebet.map((h) => h.id).filter((id) => bets[id] !== undefined)
    return Object.fromEntries(ids.map((id) => [id, bets[id]!]))
  }

  #foldHypothesis(hypothesis: Hypothesis, now: number): void {
    const { id, source } = hypothesis
    const windowMs = 'windowMs' in source ? source.windowMs : 0
    let next = this.#foldedUntil.get(id) ?? 0
    for (; next < this.#settled; next++) {
      const cohort = this.#cohorts[next]!
      if (now < cohort.closedAt! + windowMs) break
      const bet = this.#rebet.includes(hypothesis) ? this.#betAnew(hypothesis, cohort) : cohort
      this.#evidence = foldHypothesis(this.#evidence, hypothesis, bet, this.#firstEvents.harmSince)
    }
    this.#foldedUntil.set(id, next)
  }

  #betAnew(hypothesis: Hypothesis, cohort: Cohort): Cohort {
    const { id } = hypothesis
    const tally = cohort.tallies[id] as BetTally | undefined
    const terms = cohort.terms.bets[id]
    if (tally === undefined || terms === undefined || !hasBins(tally)) return cohort
    const ratios = { harm: hypothesis.harm.ratio, proof: proofRatio(hypothesis) }
    const { harm, proof } = rebet(tally, terms, cohort.pi, ratios)
    if (this.#boundsGaps) this.#addGap(id, rebetGap(tally, terms, cohort.pi, ratios))
    return { ...cohort, tallies: { ...cohort.tallies, [id]: { ...tally, harm, proof } } }
  }

  #addGap(id: string, gap: BetLogs): void {
    const before = this.#gaps.get(id)
    const add = (sums: readonly number[] | undefined, more: readonly number[]) =>
      more.map((value, bet) => value + (sums?.[bet] ?? 0))
    this.#gaps.set(id, { harm: add(before?.harm, gap.harm), proof: add(before?.proof, gap.proof) })
  }

  #observe(now: number): Observation {
    const evidence = this.#evidence
    return {
      now,
      reports: judge(this.#plan, evidence, {
        limits: this.#limits(now),
        step: this.#state.step,
        stepEnteredAt: this.#state.stepEnteredAt,
        now,
        pi: this.#state.weightBp / WHOLE_BP,
        unitsPerSecond: judgedPerSecond({ plan: this.#plan, state: this.#state, evidence, now }),
        latency: () => NO_VALUE,
      }),
      ratioMismatch: { log: evidence.ratio.sup, threshold: Math.log(1 / GUARD_ALPHA) },
      breaker: { tripped: false, canary: NO_ATTEMPTS, baseline: NO_ATTEMPTS },
      baseline: HEALTHY,
      canary: HEALTHY,
      stepCanaryUnits: stepCanaryUnits(this.#plan, evidence, this.#state),
      predictions: NO_PREDICTIONS,
      labels: new Map(),
      lastRequestAt: now,
      confirmation: 'given',
    }
  }

  #limits(now: number): readonly LimitReading[] {
    const { metrics, hypotheses } = this.#plan
    const { step } = this.#state
    return readLimits(metrics, {
      ...this.#later.read(this.#plan, this.#evidence, step, now),
      failureRate: (side) => {
        const { id, source } = hypotheses.find((h) => h.source.of === 'failure')!
        const found = this.#evidence.hypotheses[id] as EventEvidence
        return found.step === step ? stepValue(source, found, side) : NO_VALUE
      },
      latency: () => NO_VALUE,
    })
  }
}
