import type { Cause, Faults } from '../domain/faults.ts'
import type { MetricReport } from '../domain/verdict.ts'
import { formatCount } from './format.ts'
import type { Observation } from './observation.ts'
import { describeUnreadable } from './unreadable.ts'

/** Causes that are named; the others are counted together. */
const MOST_NAMED = 3

/** Kinds that a request fails by being no good answer at all: a server that died looks like a bad model there. */
const KINDS: ReadonlySet<string> = new Set(['error-rate', 'latency'])

/** What `no-answer` counts: a server that hangs fails nothing, and no count of errors has those who left it. */
export const UNANSWERED =
  'the share of requests without an answer: clients that left before one, full queues, deadlines'

/** What a pause by 4xx can be answered with. */
const NO_FAILURES =
  ' A 4xx is no failure unless errors.statuses names it: name it there where it is one, or resume where it is meant.'

/** The sentence that says how the canary failed, after a blank; empty where nothing is known of it. */
export function describeFaults({ faults }: Pick<Observation, 'faults'>): string {
  const known = faults?.()
  if (known === undefined || known.byCause.size === 0) return ''
  return ` The canary's failures in this attempt, judged or not: ${describeCauses(known.byCause)}${describeUpstreams(known)}.`
}

/** The sentence that says which 4xx the canary answered with, after a blank; empty where nothing is known of it. */
export function describeClientErrors({ faults }: Pick<Observation, 'faults'>): string {
  const known = faults?.().clientErrors
  if (known === undefined || known.size === 0) return ''
  return ` The canary's 4xx in this attempt, judged or not: ${describeCauses(known)}. Who asks both versions the same, and is refused by one alone, may have asked it at a wrong path or for a model that it does not have.`
}

/** The same, where it explains what a metric shows: the pairs of a mirror have failures of their own. */
export function describeFaultsOf({ name, kind }: MetricReport, seen: Observation): string {
  if (kind === 'label-missing') return `${unreadable(seen)}${unanswered(seen)}`
  if (kind === 'client-error') return `${describeClientErrors(seen)}${NO_FAILURES}`
  if (kind === 'no-answer') return ` It is ${UNANSWERED}.${describeFaults(seen)}`
  return KINDS.has(kind) && !name.endsWith('/mirror') ? describeFaults(seen) : ''
}

function unreadable(seen: Observation): string {
  const found = describeUnreadable(seen)
  return found === null ? '' : ` Beside it, ${found}`
}

// Every request that was drawn is asked for its label, whatever became of it: see rule 4 of docs/statistics.md.
function unanswered({ faults }: Observation): string {
  const known = faults?.()
  if (known === undefined || known.byCause.size + known.clientErrors.size === 0) return ''
  const causes = [...known.byCause, ...known.clientErrors]
  const count = causes.reduce((sum, [, each]) => sum + each, 0)
  return ` Requests that fail, or get a 4xx, have no answer to go by and count among the missing: ${formatCount(count)} of the canary's in this attempt, judged or not (${describeCauses(causes)}).`
}

function describeCauses(byCause: Iterable<readonly [Cause, number]>): string {
  const causes = [...byCause].toSorted(([, a], [, b]) => b - a)
  const others = causes.slice(MOST_NAMED).reduce((sum, [, count]) => sum + count, 0)
  const named = causes
    .slice(0, MOST_NAMED)
    .map(([cause, count]) => `${formatCount(count)} × ${nameOf(cause)}`)
  return [...named, ...(others === 0 ? [] : [`${formatCount(others)} × others`])].join(', ')
}

function nameOf(cause: Cause): string {
  return typeof cause === 'number' ? `status ${cause}` : cause
}

function describeUpstreams({ upstreams }: Faults): string {
  return upstreams === null ? '' : `; healthy upstreams: ${upstreams.healthy} of ${upstreams.all}`
}
