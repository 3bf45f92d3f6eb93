import { isContinuous, type Hypothesis } from '../domain/hypothesis.ts'
import type { LogEvidence, MetricReport } from '../domain/verdict.ts'
import {
  formatChange,
  formatCount,
  formatFloor,
  formatNumber,
  formatOdds,
  formatOddsSoFar,
  formatPercent,
} from './format.ts'
import type { Missing } from './missing.ts'
import { MissingPart } from './missing-part.ts'
import type { RolloutPlan } from './plan.ts'

/** Share of the traffic below which a segment's own proof is slow enough to say so. */
const SMALL_SEGMENT = 0.05

/** Why a proof may be less than the values say: also while it is not known yet whether it was an outage. */
export const WITHOUT_OUTAGES =
  'a time in which the baseline looked much worse than usual is left out, since it proves nothing'

/** Why no margin of a mean can be proved where the baseline has none of what it counts. */
export const NO_MARGIN = 'the baseline has 0, and no share of that is a margin'

/** Why nothing is ever bet on where neither side has a slow answer. */
export const NO_SLOW_ANSWER =
  'no answer is slower than the quantile of the baseline, since those that come lie within 2 % of it, so that there is nothing to compare'

/** The required metrics of which it is not shown, over all or in this step, that the canary is no worse. */
export function missingProofs(plan: RolloutPlan, reports: readonly MetricReport[]): Missing[] {
  return plan.hypotheses.flatMap((hypothesis) => {
    if (!hypothesis.required || hypothesis.proof === null) return []
    const report = reports.find((r) => r.name === hypothesis.id)
    if (report === undefined) return []
    const { passedCap } = report
    if (passedCap !== undefined)
      return [
        new MissingPart(
          'inconclusive',
          () => `${report.name}: ${describePassed(report.name, passedCap)}`,
        ),
      ]
    const { nonInferiority, stepNonInferiority } = report.evidence
    const { floor } = hypothesis.proof
    const margin = () => formatChange(report.better, report.margins!.proof!) + formatFloor(floor)
    if (!reaches(nonInferiority!)) {
      return [
        inconclusive(
          report,
          () =>
            `${margin()} is not excluded yet${soFar(report, hypothesis)}${segmentTraffic(report, reports)}`,
        ),
      ]
    }
    // With a sticky key a late step sees few new keys, so its own proof would never come: there the
    // step must only be free of harm as seen from a fresh start point.
    const { stepHarm } = report.evidence
    const holdsNow = plan.keyed
      ? stepHarm !== null && !reaches(stepHarm)
      : stepNonInferiority !== null && reaches(stepNonInferiority)
    if (holdsNow) return []
    const where = plan.keyed
      ? stepHarm === null
        ? 'nothing of this step is judged yet'
        : 'this step alone looks worse'
      : 'not excluded in this step alone, whose own requests have to show it too'
    return [inconclusive(report, () => `${margin()}: ${where}`)]
  })
}

function reaches({ log, threshold }: LogEvidence): boolean {
  return log >= threshold
}

function inconclusive(report: MetricReport, write: () => string): Missing {
  return new MissingPart(
    'inconclusive',
    () => `${report.name}: ${write()}`,
    () => report.etaSeconds,
  )
}

/** That a cap was learnt from values that were much smaller, so that nothing is proved by it, and what to do. */
export function describePassed(
  name: string,
  { share, cap }: NonNullable<MetricReport['passedCap']>,
): string {
  const [metric] = name.split('/')
  return `${formatPercent(share)} of the baseline's values are above ${formatNumber(cap)}, the cap that was learnt from its first ones, so that the values that are compared say little: set \`cap\` of ${metric}`
}

// An exact interval is the evidence read another way; an asymptotic one may be narrower, so that its
// bound would seem to prove what the evidence does not.
function soFar(report: MetricReport, { source }: Hypothesis): string {
  const { ratio, evidence, better, baseline, margins, slow } = report
  // Two models without a single error are alike, and would wait for ever.
  if (isContinuous(source) && better === 'lower' && baseline.value === 0) {
    return `: ${NO_MARGIN} (\`max\` in place of the margin is a limit that can be met)`
  }
  if (ratio !== null && ratio.method === 'exact' && Number.isFinite(ratio.upper)) {
    const bound = better === 'lower' ? ratio.upper - 1 : 1 - ratio.lower
    // Inside the margin it would contradict the sentence: the proof is of less than the interval.
    if (bound > margins!.proof!) return ` (upper bound ${formatPercent(bound)})`
  }
  // Without a slow answer of either side nothing is ever bet on.
  if (source.of === 'latency' && slow?.baseline === 0 && slow.canary === 0) {
    return `: ${NO_SLOW_ANSWER} (\`max\` in place of the margin is a limit that can be met)`
  }
  const { log, threshold } = evidence.nonInferiority!
  const outages = report.withoutOutages ? `; ${WITHOUT_OUTAGES}` : ''
  return ` (${formatOddsSoFar(log, threshold)} so far, ${formatOdds(threshold)} decides${outages})`
}

// Of a segment with little traffic the proof may never come, and nothing else says why.
function segmentTraffic(
  { name, segment, canary }: MetricReport,
  reports: readonly MetricReport[],
): string {
  if (segment === undefined) return ''
  const whole = reports.find((r) => `${r.name}@${segment}` === name)?.canary.n ?? 0
  if (canary.n >= whole * SMALL_SEGMENT) return ''
  return `; the segment ${segment} has only ${formatCount(canary.n)} of ${formatCount(whole)} judged on the canary: \`promote\` without its proof, or take it out of observe.segment.values`
}
