import type { MetricJson } from '../admin/present-metric.ts'
import { formatNumber, formatPercent } from '../rollout/format.ts'
import { UNANSWERED } from '../rollout/describe-faults.ts'
import { CLIENT_ERROR } from '../rollout/hypotheses.ts'
import { ABOVE_CAP_HARM } from '../statistics/event-evidence.ts'

/** What a guard that nobody has configured is there for, as sentences; empty of other metrics. */
export function describeGuard(metric: MetricJson): readonly string[] {
  return [...aboveCap(metric), ...labelMissing(metric), ...noAnswer(metric), ...clientError(metric)]
}

function aboveCap({ name, better }: MetricJson): readonly string[] {
  const [metric, rest] = name.split('/above-cap')
  if (rest === undefined) return []
  const { apart, times } = ABOVE_CAP_HARM
  const isAsked = better === 'lower' && !rest.startsWith('/mirror')
  const harm = isAsked
    ? ` The canary's are those beyond the cap by more than the margin of ${metric}. It fails where the two shares lie ${formatNumber(apart * 100)} percentage points apart, or the canary's is ${times} times the baseline's.`
    : ''
  return [
    `It guards ${metric}: the share of values above its cap, which its mean cannot see.${harm} A larger \`cap\` of ${metric} leaves fewer values above it.`,
  ]
}

// A share of now would say that labels are missing; this one says that they were, and keeps saying so.
function labelMissing({ name, kind }: MetricJson): readonly string[] {
  if (kind !== 'label-missing') return []
  const [metric] = name.split('/')
  if (name.endsWith('/mirror')) {
    return [
      `It guards ${metric}: the share of copied requests whose answer has no prediction that ${metric} can use (it failed, or has no number there), labelled or not.`,
    ]
  }
  return [
    `It guards ${metric}: the share of requests for which no label came within its window (for the mean of an event: no such event), failed ones among them, counted over the whole attempt. An outage of the sender stays in it after they come again; only a difference between the two counts.`,
  ]
}

function noAnswer({ kind }: MetricJson): readonly string[] {
  return kind === 'no-answer' ? [`It guards all others: ${UNANSWERED}.`] : []
}

function clientError({ kind, margins }: MetricJson): readonly string[] {
  if (kind !== 'client-error') return []
  const points = formatNumber(CLIENT_ERROR.apart * 100)
  return [
    `It guards all others: the share of answers with a 4xx that \`errors.statuses\` does not name. It pauses where a share more than ${formatPercent(margins!.harm)} larger is shown and the two lie ${points} percentage points apart.`,
  ]
}
