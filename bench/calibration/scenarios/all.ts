import type { Scenario } from '../scenario.ts'
import { accuracy } from './accuracy.ts'
import { conversion, revenue } from './business.ts'
import {
  errorsAlike,
  errorsPlanned,
  errorsProved,
  errorsSlightlyWorse,
  errorsWorse,
} from './errors.ts'
import { experiments } from './experiments.ts'
import { kayentaJudged } from './kayenta.ts'
import { latency } from './latency.ts'
import { limitsOfKeys } from './limits.ts'
import { mirrorPairs } from './pairs.ts'
import { clicksPerView } from './ratio.ts'
import { wholeRollouts } from './rollout.ts'
import { segments } from './segments.ts'
import { severalMetrics } from './several-metrics.ts'
import { stickyUsers } from './sticky.ts'
import { timing } from './timing.ts'
import { rmse } from './values.ts'

/** Every scenario, in the order of the report. */
export function allScenarios(): readonly Scenario[] {
  return [
    ...errorsAlike(),
    ...conversion(),
    ...revenue(),
    ...clicksPerView(),
    ...stickyUsers(),
    ...limitsOfKeys(),
    ...severalMetrics(),
    ...segments(),
    ...experiments(),
    ...mirrorPairs(),
    ...timing(),
    ...kayentaJudged(),
    ...errorsWorse(),
    ...errorsSlightlyWorse(),
    ...errorsPlanned(),
    ...latency(),
    ...rmse(),
    ...accuracy(),
    ...errorsProved(),
    ...wholeRollouts(),
  ]
}
