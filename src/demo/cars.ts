import { readFile } from 'node:fs/promises'

/** One car with everything a model needs: what it is, and how far it goes on a gallon. */
export type Car = {
  readonly name: string
  /** In the order of `FEATURES`. */
  readonly features: readonly number[]
  /** The true value, in miles per US gallon. */
  readonly milesPerGallon: number
}

/** What the features of a car mean, in order. The weight is in pounds. */
export const FEATURES = [
  'weight_in_lbs',
  'horsepower',
  'displacement',
  'acceleration',
  'cylinders',
  'years_since_1970',
  'origin_usa',
  'origin_europe',
] as const

/** The cars a model learns from, and those it has never seen. */
export type CarSplit = { readonly training: readonly Car[]; readonly heldOut: readonly Car[] }

const KILOGRAMS_PER_POUND = 0.45359237

/**
 * Reads the cars of vega-datasets' `cars.json` (406 cars of 1970–1982, StatLib; 392 of them complete)
 * and leaves out those without a horsepower or a true value. Rejects when the file is not readable or
 * not that data set.
 */
export async function loadCars(file: string | URL): Promise<readonly Car[]> {
  const rows: unknown = JSON.parse(await readFile(file, 'utf8'))
  if (!Array.isArray(rows)) throw new Error(`${String(file)}: not an array of cars`)
  const cars = rows.map(toCar).filter((car) => car !== null)
  if (cars.length < 100) {
    throw new Error(`${String(file)}: only ${cars.length} complete cars, at least 100 are needed`)
  }
  return cars
}

/** Every other car for training, the rest for serving: a fixed half that no seed has picked. */
export function splitCars(cars: readonly Car[]): CarSplit {
  return {
    training: cars.filter((_, index) => index % 2 === 0),
    heldOut: cars.filter((_, index) => index % 2 === 1),
  }
}

/**
 * The mistake of the demo's skewed canary: a serving side that takes the weight for kilograms and
 * hands the model a number less than half as large as those it was trained on.
 */
export function weighInKilograms(features: readonly number[]): readonly number[] {
  return features.map((value, index) => (index === 0 ? value * KILOGRAMS_PER_POUND : value))
}

function toCar(row: unknown): Car | null {
  const fields = row as Readonly<Record<string, unknown>>
  const features = [
    fields['Weight_in_lbs'],
    fields['Horsepower'],
    fields['Displacement'],
    fields['Acceleration'],
    fields['Cylinders'],
    Number(String(fields['Year']).slice(0, 4)) - 1970,
    fields['Origin'] === 'USA' ? 1 : 0,
    fields['Origin'] === 'Europe' ? 1 : 0,
  ]
  const milesPerGallon = fields['Miles_per_Gallon']
  if (!isNumber(milesPerGallon) || !features.every(isNumber)) return null
  return { name: String(fields['Name']), features, milesPerGallon }
}

function isNumber(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value)
}
