import type { Random } from '../../../bench/calibration/random.ts'

/** What the numbers of a service are like. */
export type Scale = {
  /** A prediction and its label, by how far they are to lie apart. */
  readonly family: (
    random: Random,
    error: number,
    isRight: boolean,
  ) => { readonly prediction: number; readonly label: number }
  /** Predictions lie apart from labels by a difference. */
  readonly isNumeric: boolean
  readonly error: number
  readonly amount: number
  readonly hasEvents: boolean
  readonly windowMs: number
}

/** What predictions are. */
export type Family = 'numbers' | 'classes' | 'probabilities'

/** How predictions and labels of each family are drawn. */
export const FAMILIES: Readonly<Record<Family, Scale['family']>> = {
  numbers: (random, error) => {
    const prediction = 100 * random()
    return { prediction, label: prediction + (random() < 0.5 ? error : -error) }
  },
  classes: (random, _error, isRight) => {
    const prediction = Math.floor(10 * random())
    return { prediction, label: isRight ? prediction : prediction + 1 }
  },
  probabilities: (random, error) => {
    const label = Number(random() < 0.5)
    const good = Math.exp(-Math.min(error, 30))
    return { prediction: label === 1 ? good : 1 - good, label }
  },
}
