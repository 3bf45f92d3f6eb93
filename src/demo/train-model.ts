import { RandomForestRegression } from 'ml-random-forest'
import MultivariateLinearRegression from 'ml-regression-multivariate-linear'
import type { Car } from './cars.ts'

/** `linear`: least squares. `forest`: 50 bagged regression trees, clearly better on these cars. */
export type ModelKind = 'linear' | 'forest'

/** A trained model: miles per gallon from the features of one car. */
export type Model = { readonly predict: (features: readonly number[]) => number }

/**
 * Trains a model; the same cars and seed give the same model. The forest takes about half a second,
 * and throws where a car's number of features differs from the first's.
 */
export function trainModel(kind: ModelKind, cars: readonly Car[], seed: number): Model {
  const rows = cars.map((car) => [...car.features])
  const values = cars.map((car) => car.milesPerGallon)
  return kind === 'linear' ? trainLinear(rows, values) : trainForest(rows, values, seed)
}

/** Root mean squared error over cars, in miles per gallon; `serve` is what happens to features on the way. */
export function measureRmse(
  model: Model,
  cars: readonly Car[],
  serve: (features: readonly number[]) => readonly number[] = (features) => features,
): number {
  const squares = cars.map((car) => (model.predict(serve(car.features)) - car.milesPerGallon) ** 2)
  return Math.sqrt(squares.reduce((sum, square) => sum + square, 0) / squares.length)
}

function trainLinear(rows: number[][], values: readonly number[]): Model {
  const regression = new MultivariateLinearRegression(
    rows,
    values.map((value) => [value]),
  )
  return { predict: (features) => regression.predict([...features])[0]! }
}

function trainForest(rows: number[][], values: number[], seed: number): Model {
  const forest = new RandomForestRegression({
    seed,
    nEstimators: 50,
    maxFeatures: 1.0,
    replacement: false,
    noOOB: true,
    treeOptions: { minNumSamples: 3, maxDepth: 12 },
  })
  forest.train(rows, values)
  return { predict: (features) => forest.predict([[...features]])[0]! }
}
