import { BASELINE_SIDE, CANARY_SIDE, type Side } from '../domain/cohort.ts'
import type { LatencyQuantile } from '../domain/rollout-spec.ts'
import type { RolloutState } from '../domain/rollout-state.ts'
import { WHOLE_BP } from '../domain/units.ts'
import { CANARY } from '../domain/variant.ts'
import { NO_VALUE, type MetricValue } from '../domain/verdict.ts'
import type { ServiceBook } from '../metrics/service-recorder.ts'
import type { JudgeContext } from '../rollout/judge.ts'
import type { LimitReading } from '../rollout/limits.ts'
import type { Observation } from '../rollout/observation.ts'
import type { PairLatency, StandingPairs } from '../rollout/pair-reports.ts'
import { judgedPerSecond } from '../rollout/units.ts'
import type { Look } from './observe.ts'
import { sideBook } from './side-book.ts'

/**
 * What reports need of a look beside its evidence. Reports live until the next ones, of every service: so it holds the
 * look alone, and the rest is worked out when it is asked for.
 */
export class LookContext implements JudgeContext {
  readonly limits: readonly LimitReading[]
  readonly #look: Look
  readonly #perSecond: number | null

  /**
   * `limits`: the absolute limits as they stand; `perSecond`: units drawn lately, null = not known, so that the mean since
   * the attempt began has to do.
   */
  constructor(look: Look, limits: readonly LimitReading[], perSecond: number | null) {
    this.#look = look
    this.limits = limits
    this.#perSecond = perSecond
  }

  get step(): number {
    return this.#look.state.step
  }

  get stepEnteredAt(): number {
    return this.#look.state.stepEnteredAt
  }

  get now(): number {
    return this.#look.now
  }

  get pi(): number {
    return this.#look.state.weightBp / WHOLE_BP
  }

  get unitsPerSecond(): number {
    return this.#perSecond ?? judgedPerSecond(this.#look)
  }

  get predictions(): Observation['predictions'] {
    const of = (side: Side) => sideBook(this.#look.book, side).predictions
    return { baseline: of(BASELINE_SIDE), canary: of(CANARY_SIDE) }
  }

  get standing(): StandingPairs | null {
    return standingPairs(this.#look.book)
  }

  get pairLatency(): PairLatency {
    const { book, state, others } = this.#look
    return pairLatency(book, state, others)
  }

  latency(side: Side, asked: LatencyQuantile, segment: string | undefined): MetricValue {
    const drawn = sideBook(this.#look.book, side).drawnOf(asked, segment)
    return drawn.count === 0
      ? NO_VALUE
      : { value: drawn.quantile(asked.quantile), n: Math.round(drawn.count) }
  }
}

/** Times of a mirror step's pairs, here and at the others, from sending a request to the head of its answer, or the first byte of its body. */
export function pairLatency(
  { mirrors }: ServiceBook,
  state: RolloutState,
  others: Look['others'],
): PairLatency {
  const ledger = mirrors.get(CANARY)?.ledger ?? null
  return (side, asked, segment) =>
    ledger?.stepQuantile(state.step, side, asked, segment, others.pairFigures(state)) ?? NO_VALUE
}

/** What a standing mirror of the canary has found. */
export function standingPairs({ service, mirrors }: ServiceBook): StandingPairs | null {
  if (!service.mirrors.some(({ to }) => to === CANARY)) return null
  const { pairs, disagreed } = mirrors.get(CANARY)!
  return { compared: pairs, disagreed }
}
