import { renderText } from '../report/render-table.ts'
import type { MethodResult, ScenarioResult } from './repeat.ts'

/** One scenario as a table for the terminal. */
export function renderScenario({ name, title, question, methods }: ScenarioResult): string {
  const head = ['method', 'acted', '95 %', 'median', '80 %', 'planned']
  const rows = methods.map((result) => [
    result.method,
    percent(result.acted / result.rollouts),
    `${percent(result.lower)}–${percent(result.upper)}`,
    requests(result.p50),
    requests(result.p80),
    planned(result),
  ])
  return renderText({ title: `${name} (${question}): ${title}`, rows: [head, ...rows] })
}

/** A share as a percentage, with a digit more where it is small. */
export function percent(share: number): string {
  const value = 100 * share
  return `${value < 10 && value > 0 ? value.toFixed(1) : value.toFixed(0)} %`
}

/** Requests in thousands; a dash where fewer than that share of the rollouts got there. */
export function requests(count: number | null): string {
  if (count === null) return '–'
  return count < 1000 ? String(count) : `${(count / 1000).toFixed(count < 10_000 ? 1 : 0)}k`
}

function planned({ planned: plan }: MethodResult): string {
  return plan === null ? '' : `${requests(plan.p50)} / ${requests(plan.p80)}`
}
