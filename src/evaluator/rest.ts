import type { Evidence } from '../domain/evidence.ts'
import { isProviderMetric } from '../domain/rollout-spec.ts'
import type { RolloutState } from '../domain/rollout-state.ts'
import { BASELINE, CANARY } from '../domain/variant.ts'
import type { ServiceBook } from '../metrics/service-recorder.ts'
import { isLimited } from '../rollout/limits.ts'
import { nextDue } from '../rollout/next-due.ts'
import type { Observation } from '../rollout/observation.ts'
import type { RolloutPlan } from '../rollout/plan.ts'
import type { Look, Sight } from './observe.ts'

/** What a look at a rollout found that has to be found again for nothing to have changed. */
type Found = {
  readonly plan: RolloutPlan
  readonly state: RolloutState
  readonly evidence: Evidence
  readonly book: ServiceBook
  readonly ended: number
  /** No gate speaks otherwise before. */
  readonly until: number
}

/**
 * Whether a rollout need not be looked at between two turns: its last look found nothing to store or to decide, and
 * nothing that goes into one has changed since. So many services cost little that have no requests just now.
 */
export class Rest {
  #found: Found | null = null

  /**
   * May begin where that look has decided to stay in its state. `warmUntil`: the end of the warm-up; null = something
   * waits to be folded. Where metrics are compared, limited or mirrored, each look looks.
   */
  begin(
    look: Look,
    { lastRequestAt }: Pick<Observation, 'lastRequestAt'>,
    next: RolloutState,
    warmUntil: number | null,
  ): void {
    const { plan, state, evidence, book, now, sight } = look
    this.#found = null
    if (next !== state || warmUntil === null || isWatched(plan, book) || !isWell(sight)) return
    const until = Math.min(
      now < warmUntil ? warmUntil : Infinity,
      book.variants.get(BASELINE)!.attempts.changesAt(now),
      book.variants.get(CANARY)!.attempts.changesAt(now),
      nextDue(plan, state, { now, lastRequestAt }),
    )
    this.#found = { plan, state, evidence, book, ended: endedIn(book), until }
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
      found.ended === endedIn(book) &&
      isWell(sight)
    )
  }
}

/** Whether something is measured, counted or asked for at other times than requests end. */
function isWatched(plan: RolloutPlan, { mirrors }: ServiceBook): boolean {
  return (
    plan.confirmsPromotion ||
    mirrors.has(CANARY) ||
    plan.metrics.some((m) => isLimited(m) || m.threshold !== undefined || isProviderMetric(m))
  )
}

function isWell({ reachability }: Sight): boolean {
  return isUp(reachability(BASELINE)) && isUp(reachability(CANARY))
}

function isUp({ ready, downForMs }: ReturnType<Sight['reachability']>): boolean {
  return ready && downForMs === 0
}

function endedIn({ variants }: ServiceBook): number {
  return variants.get(BASELINE)!.requests + variants.get(CANARY)!.requests
}
