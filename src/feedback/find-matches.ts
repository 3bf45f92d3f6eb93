import type { FeedbackJoinDeps, JoinMatch, JoinQuery } from './join.ts'
import { keyUnit } from './key-unit.ts'
import type { FeedbackLine } from './parse.ts'

/** What the store has of the requests and units that lines are about, in the order of the lines. */
export async function findMatches(
  lines: readonly FeedbackLine[],
  { store }: FeedbackJoinDeps,
): Promise<readonly JoinMatch[]> {
  const matches = await store.findPredictions(lines.map(queryOf))
  // A later request of a key is no unit: its events are those of the request that the key is judged by.
  const asked = new Map<number, JoinQuery>()
  for (const [index, match] of matches.entries()) {
    if (!('prediction' in match) || !('event' in lines[index]!)) continue
    const { service, unit, cohort } = match.prediction
    if (unit !== null && cohort === -1) asked.set(index, { service, unit })
  }
  if (asked.size === 0) return matches
  const units = await store.findPredictions([...asked.values()])
  const found = [...matches]
  for (const [place, index] of [...asked.keys()].entries()) {
    const [own, unit] = [matches[index]!, units[place]!]
    if (!('prediction' in own) || !('prediction' in unit)) continue
    if (own.prediction.rollout === unit.prediction.rollout) found[index] = unit
  }
  return found
}

function queryOf({ service, requestId, key }: FeedbackLine): JoinQuery {
  return requestId === null ? { service, unit: keyUnit(key!) } : { service, requestId }
}
