import { forgetChangedMargins } from '../rollout/forget-margins.ts'
import type { RolloutRecord } from '../store/store.ts'

/**
 * What is stored of an attempt, as it goes on under the margins `after`, where its evidence was gathered under those
 * `before` (undefined = not known): by a restart they change as by a reload. The same record where all of it stands.
 */
export function underMargins(
  record: RolloutRecord,
  before: string | undefined,
  after: string,
): RolloutRecord {
  if (record.evidence === null) return record
  const evidence = forgetChangedMargins(record.evidence, before, after)
  return evidence === record.evidence ? record : { ...record, evidence }
}
