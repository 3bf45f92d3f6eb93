import type { Decision } from '../domain/decision.ts'
import type { ReplayedDecision } from '../rollout/replay.ts'

/** Recorded and replayed decisions side by side; null where one of the two did nothing like it then. */
export type DecisionPair = {
  readonly at: number
  readonly recorded: Decision | null
  readonly replayed: ReplayedDecision | null
}

/** Decisions this far apart are the same one, seen at another look. */
const SAME_WITHIN_MS = 2000

/** Pairs the decisions of a record with those of its replay, in the order of time. */
export function pairDecisions(
  recorded: readonly Decision[],
  replayed: readonly ReplayedDecision[],
): readonly DecisionPair[] {
  const pairs: DecisionPair[] = []
  const left = [...replayed]
  for (const decision of recorded) {
    const index = left.findIndex((other) => isSame(decision, other))
    pairs.push({ at: decision.at, recorded: decision, replayed: left[index] ?? null })
    if (index >= 0) left.splice(index, 1)
  }
  const alone = left.map((other) => ({ at: other.at, recorded: null, replayed: other }))
  return [...pairs, ...alone].sort((a, b) => a.at - b.at || replayedAt(a) - replayedAt(b))
}

// Of rows of one moment: a pair's replayed half may have come a look later.
function replayedAt({ at, replayed }: DecisionPair): number {
  return replayed?.at ?? at
}

function isSame(recorded: Decision, replayed: ReplayedDecision): boolean {
  return (
    recorded.action === replayed.action &&
    recorded.reason === replayed.reason &&
    recorded.to.phase === replayed.to.phase &&
    recorded.to.weights['canary'] === replayed.to.weights['canary'] &&
    Math.abs(recorded.at - replayed.at) <= SAME_WITHIN_MS
  )
}
