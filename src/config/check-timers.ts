import { parseDuration } from '../domain/units.ts'
import type { Checker } from './checker.ts'
import type { ConfigPath } from './problem.ts'

// A timer of Node fires at once when it is set further away than 2³¹ − 1 ms.
const LONGEST_MS = 24 * 86_400_000

/** What Node's timers count in. */
const SHORTEST_MS = 1

/** Reports durations in a map that are too long or too short for a timer. */
export function checkTimers(checker: Checker, path: ConfigPath, keys: readonly string[]): void {
  for (const key of keys) {
    checkLongest(checker, [...path, key], LONGEST_MS, '24d')
    checkShortest(checker, [...path, key])
  }
}

/** Reports an idle time of connections that nothing on their way can be relied on to allow. */
export function checkKeepAlive(checker: Checker, path: ConfigPath): void {
  const why = '1h: servers, firewalls and address translation drop a connection sooner'
  checkLongest(checker, path, 3_600_000, why)
}

function checkLongest(checker: Checker, path: ConfigPath, mostMs: number, most: string): void {
  const text = checker.read<string | 0>(path)
  if (text !== undefined && parseDuration(String(text))! > mostMs)
    checker.problem(path, `found "${text}", allowed are durations up to ${most}`)
}

function checkShortest(checker: Checker, path: ConfigPath): void {
  const text = checker.read<string | 0>(path)
  const ms = text === undefined ? 0 : parseDuration(String(text))!
  if (ms > 0 && ms < SHORTEST_MS)
    checker.problem(path, `found "${text}", allowed are durations from 1ms on`)
}
