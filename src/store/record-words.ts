/**
 * Words that records are full of: each is stored as one byte, which is its place here. What is stored goes by
 * these places: new words go to the end, nothing is ever moved or taken out, and there are at most 128.
 */
export const RECORD_WORDS: readonly string[] = [
  // Evidence.
  ...['rollout', 'starts', 'stepStart', 'hypotheses', 'ratio', 'caps', 'bins', 'limitTicks'],
  ...['measurements', 'pairs', 'kind', 'event', 'bet', 'drift', 'foldedThrough', 'step', 'harm'],
  ...['proof', 'stepProof', 'trials', 'events', 'stepTrials', 'stepEvents', 'unscored', 'sup'],
  ...['pi', 'baseline', 'canary', 'total', 'n', 'sum', 'sumSq', 'denominator', 'cross', 'strata'],
  ...['stepMoments', 'stepCanary', 'counts', 'stepCounts', 'series', 'all', 'inStep'],
  // Cohorts and their units.
  ...['number', 'epoch', 'judged', 'openedAt', 'closedAt', 'closedByInterval', 'settledAt'],
  ...['shares', 'mirrored', 'terms', 'assigned', 'observed', 'segments', 'tallies', 'thresholds'],
  ...['bets', 'baselineMs', 'harmMs', 'proofMs', 'centre', 'cap', 'harmEvents', 'harmUnits'],
  ...['both', 'product', 'cohort', 'seen'],
  // Measurements.
  ...['since', 'last', 'at', 'verdict', 'value', 'error'],
]
