import type { Service } from '../domain/service.ts'
import { bpToPercent, formatDuration } from '../domain/units.ts'
import { formatRate, formatTimeSpan, formatWeight } from '../rollout/format.ts'
import type { GivenRates } from '../rollout/given-rates.ts'
import { buildPlan } from '../rollout/plan.ts'
import type { GivenShares } from '../rollout/segment-share.ts'
import { describeSuggestion, forecastWithAdvice } from '../rollout/suggestions.ts'
import { isTooShort } from './lint-reach.ts'
import type { Finding } from './problem.ts'

/** What somebody knows of traffic beside its rate: shares of the baseline by metric, and of segments. */
export type KnownTraffic = {
  readonly rates?: GivenRates | undefined
  readonly shares?: GivenShares | undefined
}

/** Requests (new keys) per second that hardly any service has: who is too slow with them is so with any. */
const MOST_RPS = 100_000

/** A time beyond it is no advice: about 100 years. */
const NEVER_MS = 36_525 * 86_400_000

/**
 * A rollout that is not decided within `maxDuration` at `rps` requests (new keys) per second, with what would be enough;
 * null = not known: one that is not at 100,000 either.
 */
export function lintTraffic(
  service: Service,
  rps: number | null,
  { rates, shares }: KnownTraffic,
): readonly Finding[] {
  const plan = buildPlan(service, '')
  if (plan === null) return []
  // What is too long without any traffic has been told.
  if (rps === null && isTooShort(plan.spec)) return []
  const unitsPerSecond = rps ?? MOST_RPS
  const traffic = {
    unitsPerSecond,
    from: 'given',
    errorRate: null,
    rates,
    segmentShares: shares,
    evidence: null,
    exceedance: null,
  } as const
  const { forecast, suggestions } = forecastWithAdvice(plan, traffic, null)
  if (forecast.fits) return []
  const slow = forecast.steps.reduce((a, b) => (b.p80Seconds > a.p80Seconds ? b : a))
  const ms = (forecast.p80Seconds - forecast.pauseSeconds) * 1000
  const isEndless = !Number.isFinite(ms)
  const needed = isEndless
    ? 'no rollout ever ends'
    : `four of five rollouts take ${ms > NEVER_MS ? 'more than 100 years' : `up to ${formatTimeSpan(ms)}`}`
  const weight = slow.weightBp === 0 ? 'the mirror' : formatWeight(bpToPercent(slow.weightBp))
  const isLow = suggestions.some(({ change }) => change === 'weight')
  const at = `${rps === null ? 'even at' : 'at'} ${formatRate(unitsPerSecond, plan.keyed)}`
  const cause = isLow
    ? `a weight of ${weight} is too low ${at}: ${needed}`
    : isEndless
      ? `${needed} ${at}`
      : `the rollout takes too long ${at}: ${needed}`
  const held = isEndless
    ? `held by ${slow.slowest} at ${weight}, whatever maxDuration is`
    : `longest by ${slow.slowest} at ${weight}, and maxDuration is ${formatDuration(plan.spec.maxDurationMs)}`
  const advice = suggestions
    .filter((each) => each.change !== 'maxDuration' || each.seconds * 1000 <= NEVER_MS)
    .map(describeSuggestion)
    .join(', or ')
  return [
    {
      path: ['services', service.name, 'rollout', 'steps', slow.index],
      message: `${cause}, ${held}${advice === '' ? '' : `; ${advice}`}`,
    },
  ]
}
