import type { PredictionCount } from '../domain/prediction.ts'
import { formatCount } from './format.ts'
import type { Observation } from './observation.ts'

/**
 * What is said where half of the answers, or of the canary's, have no prediction to read; else null. Labels that come
 * are of no use without the predictions they belong to, and people would look for the fault at their sender.
 */
export function describeUnreadable({
  predictions,
}: Pick<Observation, 'predictions'>): string | null {
  const { baseline, canary } = predictions
  const all = {
    looked: baseline.looked + canary.looked,
    unreadable: baseline.unreadable + canary.unreadable,
  }
  if (isMuch(all)) return `${found(all, 'answers')}: is observe.prediction right?`
  if (isMuch(canary))
    return `${found(canary, 'answers of the canary')}: does it call them otherwise than observe.prediction?`
  return null
}

function isMuch({ looked, unreadable }: PredictionCount): boolean {
  return unreadable > 0 && unreadable >= looked / 2
}

function found({ looked, unreadable }: PredictionCount, answers: string): string {
  return `no prediction could be read from ${formatCount(unreadable)} of ${formatCount(looked)} ${answers}`
}
