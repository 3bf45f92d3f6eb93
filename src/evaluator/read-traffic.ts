import type { Evidence } from '../domain/evidence.ts'
import type { RolloutState } from '../domain/rollout-state.ts'
import { BASELINE } from '../domain/variant.ts'
import type { ServiceBook } from '../metrics/service-recorder.ts'
import type { ExperimentTraffic } from '../rollout/forecast-experiment.ts'
import type { GivenRates } from '../rollout/given-rates.ts'
import type { GivenShares } from '../rollout/segment-share.ts'
import type { RolloutPlan } from '../rollout/plan.ts'
import type { Traffic } from '../rollout/traffic.ts'
import { isCompared } from '../rollout/transition.ts'
import { judgedPerSecond } from '../rollout/units.ts'

/** What somebody who asks for a forecast knows better than the books; null = as observed. */
export type GivenTraffic = {
  /** Units per second. */
  readonly rps: number | null
  readonly errorRate: number | null
  readonly rates?: GivenRates | undefined
  /** Of segments. */
  readonly shares?: GivenShares | undefined
}

/** What traffic is read from; of a challenger, as if its comparison were a rollout. */
export type TrafficInput = {
  readonly plan: RolloutPlan
  readonly state: RolloutState
  readonly evidence: Evidence
  readonly book: ServiceBook
  readonly now: number
}

const RECENT_MS = 60_000

/** Traffic of less time says nothing of a rate. */
const LEAST_MS = 5000

/** Baseline answers from which its latencies are known well enough: as many as 4/(1 − q) of p95. */
const MIN_LATENCIES = 80

/** Where the traffic of a fixed split is read from, challenger by challenger. */
export type ComparisonInput = TrafficInput & {
  readonly variant: string
  /** Units drawn into its evidence per second, see RecentPace; null = not known. */
  readonly lately: number | null
  /** Of all that is drawn, the part that is so for the challenger and the baseline. */
  readonly share: number
}

/**
 * The traffic of a service: as given, else as it is; null where there is none to be seen. `lately`: units drawn into its
 * evidence per second, see RecentPace; null = not known.
 */
export function readTraffic(
  input: TrafficInput,
  given: GivenTraffic,
  lately: number | null,
): Traffic | null {
  const unitsPerSecond = given.rps ?? observedPerSecond(input, lately)
  return unitsPerSecond > 0
    ? { ...trafficOf(unitsPerSecond, input.book, given), evidence: input.evidence }
    : null
}

/** The traffic of a fixed split, whose challengers these are; null where there is none to be seen. */
export function readExperimentTraffic(
  inputs: readonly ComparisonInput[],
  given: GivenTraffic,
): ExperimentTraffic | null {
  const [first] = inputs
  if (first === undefined) return null
  // Each has its part of all; of a few units one alone would tell too little.
  const total = (of: (input: ComparisonInput) => number) =>
    inputs.reduce((sum, input) => sum + of(input), 0)
  const observed = () =>
    total((input) => observedPerSecond(input, input.lately, input.share)) / total((i) => i.share)
  const unitsPerSecond = given.rps ?? observed()
  if (!(unitsPerSecond > 0)) return null
  const evidence = new Map(inputs.map((input) => [input.variant, input.evidence]))
  return { ...trafficOf(unitsPerSecond, first.book, given), evidence }
}

function trafficOf(
  unitsPerSecond: number,
  book: ServiceBook,
  given: GivenTraffic,
): Omit<Traffic, 'evidence'> {
  const baseline = book.variants.get(BASELINE)!
  return {
    unitsPerSecond,
    from: given.rps === null ? 'observed' : 'given',
    errorRate: given.errorRate,
    rates: given.rates,
    segmentShares: given.shares,
    exceedance:
      baseline.drawn.count < MIN_LATENCIES
        ? null
        : (asked, factor) => {
            const times = baseline.drawnOf(asked, undefined)
            if (times.count < MIN_LATENCIES) return null
            return times.shareAbove(times.quantile(asked.quantile)! * factor)
          },
  }
}

// New keys are known of while they are drawn alone; requests always. What a rule or an override sends somewhere is no draw.
function observedPerSecond(input: TrafficInput, lately: number | null, share = 1): number {
  const { plan, state } = input
  const isDrawn =
    (state.phase === 'progressing' || state.phase === 'paused') &&
    isCompared(state) &&
    state.weightBp > 0
  if (plan.keyed) return isDrawn ? (lately ?? judgedPerSecond(input)) : 0
  // The evidence has what other processes have drawn, too.
  if (isDrawn && lately !== null) return lately
  const { begun, drawn } = input.book.draws
  const here = attemptsPerSecond(input) * (begun === 0 ? 1 : drawn / begun) * share
  return here > 0 ? here : (lately ?? 0)
}

// Of this process, in the last minute.
function attemptsPerSecond({ book, now }: TrafficInput): number {
  const variants = [...book.variants.values()]
  // A gateway that has just begun has not seen a minute.
  const since = variants.map(({ attempts }) => attempts.since ?? now)
  const spanMs = Math.min(RECENT_MS, Math.max(LEAST_MS, now - Math.min(...since)))
  const recent = variants.reduce((sum, v) => sum + v.attempts.within(now, spanMs).attempts, 0)
  return (recent * 1000) / spanMs
}
