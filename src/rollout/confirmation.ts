import type { Observation } from './observation.ts'
import type { RolloutPlan } from './plan.ts'

/** Whether serin may not give the canary 100 % by itself because nobody has said yes. */
export function lacksConfirmation(plan: RolloutPlan, seen: Observation): boolean {
  return plan.confirmsPromotion && seen.confirmation !== 'given'
}

/** What a promotion waits for that has no yes yet, as part of a sentence. */
export function describeConfirmation({ confirmation }: Observation): string {
  return confirmation === 'refused'
    ? 'a confirmation: `confirm-promotion` was asked and has not said yes (asked again every 10 s)'
    : 'a confirmation: `confirm-promotion` is being asked'
}
