/**
 * The largest magnitude of a number that is taken as a measurement, whether a label, a value of an event or a prediction: sums
 * over billions of squares of squares are finite then. What is beyond it is a mistake of who sent it, and one would do:
 * an infinite sum stays infinite.
 */
export const MOST_MEASURED = 1e50

/** Whether a number can be a measurement; false for NaN. */
export function isMeasurable(value: number): boolean {
  return Math.abs(value) <= MOST_MEASURED
}
