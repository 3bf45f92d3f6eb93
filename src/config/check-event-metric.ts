import { formatDuration, parseDuration } from '../domain/units.ts'
import { SETTLE_MS } from '../domain/outcome.ts'
import type { Checker } from './checker.ts'
import type { ConfigPath } from './problem.ts'
import type { RawMetric } from './schema-metric.ts'

/** Checks what metrics of events and answers say of themselves: their direction, and where they read. */
export function checkEventMetric(checker: Checker, path: ConfigPath, metric: RawMetric): void {
  switch (metric.kind) {
    case 'conversion':
      checkDirection(checker, path, metric)
      if (metric.floor !== undefined && metric.maxIncrease === undefined)
        checker.problem(
          [...path, 'floor'],
          'is a rise that is allowed, so it needs maxIncrease (lower is better)',
        )
      return
    case 'sum':
      checkDirection(checker, path, metric)
      return
    case 'mean':
      checkDirection(checker, path, metric)
      checkMean(checker, path, metric)
      return
    case 'ratio':
      checkDirection(checker, path, metric)
      if (metric.numerator === metric.denominator)
        checker.problem(
          [...path, 'denominator'],
          `found ${metric.denominator}, which is the numerator too: the ratio would always be 1`,
        )
      return
    default:
  }
}

type Directed = Extract<RawMetric, { kind: 'conversion' | 'sum' | 'mean' | 'ratio' }>

function checkDirection(checker: Checker, path: ConfigPath, metric: Directed): void {
  const { maxIncrease, maxDecrease, better } = metric
  if (maxIncrease !== undefined && maxDecrease !== undefined)
    checker.problem(
      path,
      'found both maxIncrease and maxDecrease: one of them says which direction is good',
    )
  else if (maxIncrease !== undefined && better === 'higher')
    checker.problem(
      [...path, 'maxIncrease'],
      'limits a rise, but better says that higher is good: name maxDecrease',
    )
  else if (maxDecrease !== undefined && better === 'lower')
    checker.problem(
      [...path, 'maxDecrease'],
      'limits a fall, but better says that lower is good: name maxIncrease',
    )
}

function checkMean(
  checker: Checker,
  path: ConfigPath,
  { of, event, field, window }: Extract<RawMetric, { kind: 'mean' }>,
): void {
  if (of === undefined && event === undefined)
    checker.problem(
      path,
      'has no number to read: it needs `of` (in the answer), or `event` and `window`',
    )
  else if (of !== undefined && event !== undefined)
    checker.problem(path, 'found both of and event: the number is read in one place')
  else if (of === undefined && window === undefined)
    checker.problem(
      path,
      'reads events, so it needs a window that says how long they are waited for',
    )
  else if (of !== undefined) {
    if (field !== undefined)
      checker.problem(
        [...path, 'field'],
        'has no meaning for a number in the answer: it belongs to event',
      )
    if (window !== undefined && parseDuration(window)! <= SETTLE_MS)
      checker.problem(
        [...path, 'window'],
        `found ${window}, allowed is more than ${formatDuration(SETTLE_MS)}: answers are waited for so long anyway`,
      )
  }
}
