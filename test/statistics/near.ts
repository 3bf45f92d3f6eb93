import type { Test } from 'tap'

/** Asserts that two numbers differ by at most `tolerance` (absolute), and shows both where not. */
export function near(t: Test, actual: number, expected: number, tolerance = 1e-9): void {
  t.ok(Math.abs(actual - expected) <= tolerance, `${actual} is within ${tolerance} of ${expected}`)
}
