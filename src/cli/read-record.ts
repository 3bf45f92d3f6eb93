import { parseCohort, type AttemptJson } from '../admin/present-cohort.ts'
import type { DecisionJson } from '../admin/present.ts'
import type { Cohort } from '../domain/cohort.ts'
import type { Decision } from '../domain/decision.ts'
import type { RolloutPlan } from '../rollout/plan.ts'
import type { AttemptRecord } from '../rollout/replay.ts'
import type { ComparisonRecord } from '../rollout/replay-comparison.ts'
import type { AdminClient } from './admin-client.ts'
import type { OnCohorts } from './backtest-progress.ts'
import { CliExit, EXIT } from './cli-exit.ts'

/** An attempt as the gateway has kept it. */
export type KeptAttempt = { readonly attempt: AttemptJson; readonly record: AttemptRecord }

/** The most that the decision log gives at once. */
const DECISIONS = 1000

/**
 * Reads what the gateway keeps of an attempt, page by page; `rollout: null` = the newest one. `until` is
 * now, in ms since the epoch: the record ends there, or where another attempt began. `onRead` is told after each page. Throws a `CliExit` where nothing is kept.
 */
export async function readRecord(
  client: AdminClient,
  service: string,
  rollout: string | null,
  until: number,
  onRead: OnCohorts,
): Promise<KeptAttempt> {
  const which = { variant: null, rollout }
  const { attempt, plan, cohorts } = await readCohorts(client, service, which, onRead)
  const newestFirst = await client.decisions(service, { after: 0, limit: DECISIONS })
  const log = newestFirst.map(parseDecision).toReversed()
  const decisions = log.filter((d) => d.rollout === attempt.rollout)
  const end = Math.min(until, endOf(log, attempt.rollout))
  return { attempt, record: { plan, cohorts, decisions, until: end } }
}

/** When another attempt took the place of this one: from then on nothing was decided on it any more; Infinity = never. */
function endOf(log: readonly Decision[], rollout: string): number {
  const last = log.findLastIndex((d) => d.rollout === rollout)
  const next = log[last + 1]
  return last === -1 || next === undefined ? Infinity : Math.max(log[last]!.at, next.at - 1)
}

/** The same of a challenger of an experiment. */
export async function readComparisonRecord(
  client: AdminClient,
  service: string,
  which: { readonly variant: string; readonly rollout: string | null },
  until: number,
  onRead: OnCohorts,
): Promise<{ readonly attempt: AttemptJson; readonly record: ComparisonRecord }> {
  const { attempt, plan, cohorts } = await readCohorts(client, service, which, onRead)
  return { attempt, record: { rollout: attempt.rollout, plan, cohorts, until } }
}

async function readCohorts(
  client: AdminClient,
  service: string,
  which: { readonly variant: string | null; readonly rollout: string | null },
  onRead: OnCohorts,
): Promise<{
  readonly attempt: AttemptJson
  readonly plan: RolloutPlan
  readonly cohorts: readonly Cohort[]
}> {
  const first = await client.cohorts(service, { ...which, after: 0 })
  const attempt = first.attempts.find((a) => a.rollout === first.rollout)
  if (attempt === undefined || first.plan === null) {
    const what = which.variant === null ? `"${service}"` : `${which.variant} of "${service}"`
    throw new CliExit(
      EXIT.badInput,
      `no cohorts of ${what} are kept yet: there is nothing to judge again before a rollout has had traffic; --rps makes some up`,
    )
  }
  const cohorts: Cohort[] = first.cohorts.map(parseCohort)
  // An attempt under way has more by the time that its last page is read.
  const tell = () => onRead(cohorts.length, Math.max(attempt.cohorts, cohorts.length))
  for (let next = first.next; next !== null;) {
    tell()
    const { variant } = which
    const page = await client.cohorts(service, { variant, rollout: attempt.rollout, after: next })
    cohorts.push(...page.cohorts.map(parseCohort))
    next = page.next
  }
  tell()
  return { attempt, plan: first.plan, cohorts }
}

// A replay reads what was done, when and by whom; the evidence it gathers anew.
function parseDecision(decision: DecisionJson): Decision {
  return { ...decision, at: Date.parse(decision.at), metrics: [] }
}
