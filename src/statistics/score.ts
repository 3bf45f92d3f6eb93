import type { Score } from '../domain/hypothesis.ts'

/** Probabilities are taken to be at least this: one certain mistake would cost infinitely much. */
const LEAST_PROBABILITY = 1e-15

/** Null is what `rawScore` makes of anything else. Every other score takes any two numbers. */
export const LOG_LOSS_TAKES = 'log-loss takes a label of 0 or 1 and a prediction from 0 to 1'

/**
 * What caps are compared with: |p − l|, the loss, or 1 for a prediction that is its label. Null where there
 * is none: log-loss is of labels 0 and 1 and of predictions between them alone.
 */
export function rawScore(score: Score, prediction: number, label: number): number | null {
  switch (score) {
    case 'squared-error':
    case 'absolute-error':
      return Math.abs(prediction - label)
    case 'correct':
      return prediction === label ? 1 : 0
    case 'log-loss': {
      if ((label !== 0 && label !== 1) || !isScorable(score, prediction)) return null
      const probability = label === 1 ? prediction : 1 - prediction
      return -Math.log(Math.max(probability, LEAST_PROBABILITY))
    }
  }
}

/** Whether some label gives a prediction a score. */
export function isScorable(score: Score, prediction: number): boolean {
  return score !== 'log-loss' || (prediction >= 0 && prediction <= 1)
}

/** The value y ≥ 0 whose means are compared, of a raw score and its cap. */
export function scoreValue(score: Score, capped: number): number {
  return score === 'squared-error' ? capped ** 2 : capped
}

/** A mean of such values in the metric's unit: RMSE is the root of the mean squared error. */
export function scoreMean(score: Score, mean: number): number {
  return score === 'squared-error' ? Math.sqrt(mean) : mean
}
