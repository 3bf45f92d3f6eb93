import { parseDuration } from '../domain/units.ts'
import type { Checker } from './checker.ts'
import type { ConfigPath } from './problem.ts'

// A timer of Node fires at once when it is set further away than 2³¹ − 1 ms.
const LONGEST_MS = 24 * 86_400_000

/** Reports durations in a map that are too long for a timer. */
export function checkTimers(checker: Checker, path: ConfigPath, keys: readonly string[]): void {
  for (const key of keys) {
    const text = checker.read<string | 0>([...path, key])
    if (text !== undefined && parseDuration(String(text))! > LONGEST_MS)
      checker.problem([...path, key], `found "${text}", allowed are durations up to 24d`)
  }
}
