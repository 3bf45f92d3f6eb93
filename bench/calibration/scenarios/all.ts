import type { Scenario } from '../scenario.ts'
import { errorsAlike, errorsPlanned, errorsProved, errorsWorse } from './errors.ts'
import { kayentaJudged } from './kayenta.ts'
import { latency } from './latency.ts'
import { wholeRollouts } from './rollout.ts'
import { severalMetrics } from './several-metrics.ts'
import { stickyUsers } from './sticky.ts'
import { timing } from './timing.ts'
import { revenue, rmse } from './values.ts'

/** Every scenario, in the order of the report. */
export function allScenarios(): readonly Scenario[] {
  return [
    ...errorsAlike(),
    ...revenue(),
    ...stickyUsers(),
    ...severalMetrics(),
    ...timing(),
    ...kayentaJudged(),
    ...errorsWorse(),
    ...errorsPlanned(),
    ...latency(),
    ...rmse(),
    ...errorsProved(),
    ...wholeRollouts(),
  ]
}
