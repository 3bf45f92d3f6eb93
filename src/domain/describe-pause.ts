import type { PausedBy } from './decision.ts'

/**
 * Why a rollout is paused, to be read after "paused": `by an operator`, `because of rmse`. `metric`: the one that
 * paused it, where one did. A cause of a newer gateway is given by its name.
 */
export function describePause(by: string, metric: string | null): string {
  if (metric !== null) return `because of ${metric}`
  return CAUSES[by as PausedBy] ?? `because of ${by}`
}

const CAUSES: Readonly<Partial<Record<PausedBy, string>>> = {
  approval: 'until somebody approves',
  timer: 'as its steps say',
  operator: 'by an operator',
  'ratio-mismatch': 'because requests are not shared out as drawn',
  baseline: 'because the baseline is sick',
  override: 'because somebody set the weight',
}
