import { isContinuous, type Hypothesis } from '../domain/hypothesis.ts'
import type { MetricReport } from '../domain/verdict.ts'
import { describePassed, NO_MARGIN, NO_SLOW_ANSWER } from './missing-proofs.ts'
import type { RolloutPlan } from './plan.ts'
import { describeTeaching, teachingValues } from './teaching-values.ts'

/**
 * Why nothing can be known of a challenger by a metric, however much of the same comes: the sentence without its name;
 * null = more evidence is all that it takes. Absolute limits are no way out of it in an experiment.
 */
export function missingOfCompared(
  { metrics }: Pick<RolloutPlan, 'metrics'>,
  { metric, source }: Hypothesis,
  report: MetricReport,
): string | null {
  const { name, cap, passedCap, better, baseline, slow } = report
  if (passedCap !== undefined) return describePassed(name, passedCap)
  if (isContinuous(source)) {
    const spec = metrics.find((m) => m.name === metric)
    const values = spec === undefined ? null : teachingValues(spec)
    if (values !== null && cap === null) return describeTeaching(values)
    return better === 'lower' && baseline.value === 0 ? NO_MARGIN : null
  }
  const isAlike = source.of === 'latency' && slow?.baseline === 0 && slow.canary === 0
  return isAlike ? NO_SLOW_ANSWER : null
}
