import type { MetricJson } from '../../present-metric.ts'
import { VERDICTS } from '../parts/words.ts'

/** A metric's verdict in words: what is only compared shows nothing. */
export function verdictOf({ verdict, kind, evidence, limit }: MetricJson): string {
  if (kind === 'drift') return verdict === 'failed' ? 'shift flagged' : 'no shift flagged'
  const isTested = evidence.harm !== null || evidence.nonInferiority !== null
  if (!isTested || (evidence.nonInferiority === null && limit !== null)) {
    if (verdict === 'successful') return 'within its limit'
    if (verdict === 'failed') return 'beyond its limit'
  }
  return VERDICTS[verdict].word
}
