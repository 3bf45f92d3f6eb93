import type { DecisionJson } from '../admin/present.ts'
import { wrap } from '../cli/render.ts'
import type { DemoResult, ServiceResult, UserResult } from './demo-result.ts'

/** The closing report: for each service its ending, its decisions, and what users saw. */
export function renderResult(result: DemoResult): string {
  const lines = [
    ...result.services.flatMap((service) => renderService(service, result.wrongBeyond)),
    '',
    `feedback: ${formatCount(result.feedback.joined)} true values joined, ` +
      `${formatCount(result.feedback.unmatched)} unmatched, ${formatCount(result.feedback.late)} late` +
      (result.feedback.undelivered === 0
        ? ''
        : `, ${formatCount(result.feedback.undelivered)} not delivered (${result.feedback.lastProblem})`),
    '',
    result.ok
      ? `All ${result.services.length} rollouts ended as they should, in ${Math.round(result.seconds)} s (seed ${result.seed}).`
      : `Not as it should be (seed ${result.seed}): ${result.problems.join(' ')}`,
  ]
  return `${lines.join('\n')}\n`
}

/** One decision on one line, with its time since the start. */
export function renderDecision(decision: DecisionJson, startedAt: number): string {
  return renderHead(decision, startedAt) + decision.summary
}

function renderHead({ at, action }: DecisionJson, startedAt: number): string {
  const seconds = Math.max(0, Date.parse(at) - startedAt) / 1000
  return `${seconds.toFixed(1).padStart(6)} s  ${action.padEnd(8)}  `
}

/** The same on as many lines as it takes, the summary under itself. */
function wrapDecision(decision: DecisionJson, startedAt: number): readonly string[] {
  const head = `  ${renderHead(decision, startedAt)}`
  return wrap(decision.summary, COLUMNS - head.length).map(
    (line, i) => (i === 0 ? head : ' '.repeat(head.length)) + line,
  )
}

const COLUMNS = 80

function renderService(service: ServiceResult, wrongBeyond: number): readonly string[] {
  const { baseline, canary } = service.offlineRmse
  const started = service.decisions[0] === undefined ? 0 : Date.parse(service.decisions[0].at)
  return [
    '',
    `${service.ok ? '✓' : '✗'} ${service.service}: ${service.story}`,
    `  ${service.ending}`,
    `  tested offline: RMSE ${canary.toFixed(2)} mpg for the canary's model, ${baseline.toFixed(2)} for the baseline's`,
    '  decisions:',
    ...service.decisions.flatMap((decision) => wrapDecision(decision, started)),
    `  users saw (wrong = more than ${wrongBeyond} mpg off):`,
    ...Object.entries(service.users)
      .toSorted(([a], [b]) => a.localeCompare(b))
      .map(([variant, seen]) => renderUsers(variant, seen)),
  ]
}

function renderUsers(variant: string, seen: UserResult): string {
  const who = variant === 'none' ? 'no variant' : variant
  return (
    `    ${who.padEnd(10)} ${formatCount(seen.requests).padStart(7)} requests  ` +
    `${formatCount(seen.errors).padStart(5)} errors  ${formatCount(seen.wrong).padStart(5)} wrong  ` +
    `RMSE ${seen.rmse === null ? '–' : seen.rmse.toFixed(2)}`
  )
}

function formatCount(value: number): string {
  return value.toLocaleString('en-US')
}
