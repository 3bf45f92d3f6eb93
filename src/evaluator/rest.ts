import type { Evidence } from '../domain/evidence.ts'
import { isProviderMetric } from '../domain/rollout-spec.ts'
import type { RolloutState } from '../domain/rollout-state.ts'
import { BASELINE, CANARY } from '../domain/variant.ts'
import type { ServiceBook } from '../metrics/service-recorder.ts'
import type { VariantBook } from '../metrics/variant-book.ts'
import { nextDue } from '../rollout/next-due.ts'
import type { Observation } from '../rollout/observation.ts'
import type { RolloutPlan } from '../rollout/plan.ts'
import { badOf, fewestToFail, fewestToTrip, type AttemptCount } from '../statistics/breaker.ts'
import type { Look, Sight } from './observe.ts'

/** What a look at a rollout found that has to be found again for nothing to have changed. */
type Found = {
  readonly plan: RolloutPlan
  readonly state: RolloutState
  readonly evidence: Evidence
  readonly book: ServiceBook
  readonly baseline: Calm
  readonly canary: Calm
  /** A rollout that waits for requests goes on with the next one; null = it waits for none. */
  readonly silentSince: number | null
  /** No gate speaks otherwise before. */
  readonly until: number
}

/** With fewer bad ends of a variant neither the breaker nor a failing baseline can have anything to say. */
type Calm = { readonly of: VariantBook; readonly below: number }

/**
 * Whether a rollout need not be looked at between two turns: its last look found nothing to store or to decide, and
 * nothing has changed since that could be decided on. Requests that end well are none of that: they are evidence at the
 * next turn. So many services cost little.
 */
export class Rest {
  #found: Found | null = null

  /**
   * May begin where that look has decided to stay in its state. `warmUntil`: the end of the warm-up; `foldsAt`: when
   * something may be folded before the next turn. Where metrics are measured or mirrored, each look looks. Absolute limits
   * are counted at turns alone.
   */
  begin(
    look: Look,
    seen: Pick<Observation, 'lastRequestAt' | 'breaker'>,
    next: RolloutState,
    warmUntil: number,
    foldsAt: number,
  ): void {
    const { plan, state, evidence, book, now, sight } = look
    this.#found = null
    if (next !== state || foldsAt <= now || isWatched(plan, book) || !isWell(sight)) return
    const due = nextDue(plan, state, { now, ...seen })
    const { baseline, canary } = calmOf(look, seen)
    // Written out, as in `lookAt`.
    this.#found = {
      plan,
      state,
      evidence,
      book,
      baseline,
      canary,
      silentSince: state.holdReason === 'no-traffic' ? book.lastRequestAt : null,
      until: Math.min(now < warmUntil ? warmUntil : Infinity, foldsAt, due),
    }
  }

  /** Whether it goes on. */
  lasts({ plan, state, evidence, book, now, sight }: Look): boolean {
    const found = this.#found
    return (
      found !== null &&
      now < found.until &&
      found.state === state &&
      found.evidence === evidence &&
      found.plan === plan &&
      found.book === book &&
      isCalm(found.baseline) &&
      isCalm(found.canary) &&
      (state.holdReason !== 'no-traffic' || found.silentSince === book.lastRequestAt) &&
      isWell(sight)
    )
  }
}

function calmOf(
  { plan, book, warmUp }: Look,
  { breaker }: Pick<Observation, 'breaker'>,
): Pick<Found, 'baseline' | 'canary'> {
  const { breakerFailures: share } = plan.spec.analysis
  const of = (variant: string, bad: AttemptCount, fewest: number): Calm => {
    const known = book.variants.get(variant)!
    return { of: known, below: known.badEnds + fewest - badOf(bad) }
  }
  const { canary, baseline, baselineRecent = baseline } = breaker
  return {
    baseline: of(BASELINE, baselineRecent, fewestToFail(share)),
    canary: of(CANARY, canary, fewestToTrip(share, warmUp)),
  }
}

function isCalm({ of, below }: Calm): boolean {
  return of.badEnds < below
}

/** Whether something is measured or asked for at times of its own. */
function isWatched(plan: RolloutPlan, { mirrors }: ServiceBook): boolean {
  return (
    plan.confirmsPromotion ||
    mirrors.has(CANARY) ||
    plan.metrics.some((m) => m.threshold !== undefined || isProviderMetric(m))
  )
}

function isWell({ reachability }: Sight): boolean {
  return isUp(reachability(BASELINE)) && isUp(reachability(CANARY))
}

function isUp({ ready, downForMs }: ReturnType<Sight['reachability']>): boolean {
  return ready && downForMs === 0
}
