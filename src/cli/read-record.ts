import { parseCohort, type AttemptJson } from '../admin/present-cohort.ts'
import type { DecisionJson } from '../admin/present.ts'
import type { Cohort } from '../domain/cohort.ts'
import type { Decision } from '../domain/decision.ts'
import type { AttemptRecord } from '../rollout/replay.ts'
import type { AdminClient } from './admin-client.ts'
import { CliExit, EXIT } from './cli-exit.ts'

/** An attempt as the gateway has kept it. */
export type KeptAttempt = { readonly attempt: AttemptJson; readonly record: AttemptRecord }

/** The most that the decision log gives at once. */
const DECISIONS = 1000

/**
 * Reads what the gateway keeps of an attempt, page by page; `rollout: null` = the newest one. `until` is
 * now, in ms since the epoch. Throws a `CliExit` where nothing is kept.
 */
export async function readRecord(
  client: AdminClient,
  service: string,
  rollout: string | null,
  until: number,
): Promise<KeptAttempt> {
  const first = await client.cohorts(service, { rollout, after: 0 })
  const attempt = first.attempts.find((a) => a.rollout === first.rollout)
  if (attempt === undefined || first.plan === null) {
    throw new CliExit(
      EXIT.badInput,
      `no cohorts of "${service}" are kept yet: there is nothing to judge again before a rollout has had traffic; --rps makes some up`,
    )
  }
  const cohorts: Cohort[] = first.cohorts.map(parseCohort)
  for (let next = first.next; next !== null;) {
    const page = await client.cohorts(service, { rollout: attempt.rollout, after: next })
    cohorts.push(...page.cohorts.map(parseCohort))
    next = page.next
  }
  const decisions = await client.decisions(service, { after: 0, limit: DECISIONS })
  const own = decisions.filter((d) => d.rollout === attempt.rollout).map(parseDecision)
  return { attempt, record: { plan: first.plan, cohorts, decisions: own.toReversed(), until } }
}

// A replay reads what was done, when and by whom; the evidence it gathers anew.
function parseDecision(decision: DecisionJson): Decision {
  return { ...decision, at: Date.parse(decision.at), metrics: [] }
}
