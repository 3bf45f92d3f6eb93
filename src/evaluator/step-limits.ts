import type { Side } from '../domain/cohort.ts'
import type { Evidence } from '../domain/evidence.ts'
import { NO_VALUE, type MetricValue } from '../domain/verdict.ts'
import type { FailureCount } from '../metrics/step-figures.ts'
import { LaterValues } from '../rollout/later-values.ts'
import type { StepValues } from '../rollout/limit-figures.ts'
import { countLimitTicks, isLimited, readLimits, type LimitReading } from '../rollout/limits.ts'
import { runningMirror } from '../rollout/mirror-step.ts'
import { pairValues } from '../rollout/pair-reports.ts'
import type { LogHistogram } from '../statistics/histogram.ts'
import { pairLatency } from './look-context.ts'
import type { Measured } from './observe.ts'
import { sideBook } from './side-book.ts'
import {
  recentLatencies,
  recentRequests,
  stepLatencies,
  stepPlaces,
  stepRequests,
} from './step-shares.ts'

/** The absolute limits that this gateway measures itself, as one rollout stands to them. */
export class StepLimits {
  readonly #later = new LaterValues()

  /** The limits as they stand: on the step's own figures, overrides left out; in a mirror step on pairs. */
  read({ plan, state, book, others, now }: Measured, evidence: Evidence): readonly LimitReading[] {
    if (runningMirror(plan.steps, state) !== null) {
      return readLimits(
        plan.metrics,
        pairValues(plan, evidence, state.step, pairLatency(book, state, others)),
      )
    }
    const own = (side: Side) => sideBook(book, side).step
    const shares = () => others.stepShares(state)
    const of = (side: Side) => [own(side), shares(), side] as const
    const values: StepValues = {
      failureRate: (side) => rateOf(stepRequests(...of(side))),
      recentFailureRate: (side) => rateOf(recentRequests(...of(side))),
      latency: (side, asked) => quantileOf(stepLatencies(...of(side), asked), asked.quantile),
      latencies: (side, asked) => stepLatencies(...of(side), asked),
      recentLatencies: (side, asked) => recentLatencies(...of(side), asked),
      places: stepPlaces(own, shares, false),
      recentPlaces: stepPlaces(own, shares, true),
      ...this.#later.read(plan, evidence, state.step, now),
    }
    return readLimits(plan.metrics, values)
  }

  /** The evidence with one more evaluation counted in it of the limits. */
  count(input: Measured, evidence: Evidence): Evidence {
    if (!input.plan.metrics.some(isLimited)) return evidence
    // Else the limit that has ended the attempt would be told as kept, since nothing more of it is measured.
    if (input.state.phase === 'rolled-back') return evidence
    const limits = this.read(input, evidence)
    if (limits.length === 0) return evidence
    return { ...evidence, limitTicks: countLimitTicks(evidence.limitTicks, limits) }
  }
}

function rateOf({ requests, failures }: FailureCount): MetricValue {
  return requests === 0 ? NO_VALUE : { value: failures / requests, n: requests }
}

function quantileOf(latencies: LogHistogram, quantile: number): MetricValue {
  return latencies.count === 0
    ? NO_VALUE
    : { value: latencies.quantile(quantile), n: latencies.count }
}
