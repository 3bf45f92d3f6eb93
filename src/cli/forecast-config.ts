import { presentPlan, type PlanJson } from '../admin/present-plan.ts'
import type { Config } from '../config/config.ts'
import type { Service } from '../domain/service.ts'
import type { GivenRates } from '../rollout/given-rates.ts'
import { buildPlan } from '../rollout/plan.ts'
import { forecastWithAdvice } from '../rollout/suggestions.ts'

/** Traffic as it is given, not observed: per second; shares and changes as fractions. */
export type GivenTraffic = {
  readonly rps: number
  readonly errorRate?: number
  readonly rates?: GivenRates | undefined
  readonly regression?: number
}

/** What the planner says of a service's rollout, of the configuration alone; the service has to have one. */
export function forecastConfig(
  config: Pick<Config, 'hash'>,
  service: Service,
  { rps, errorRate, rates, regression }: GivenTraffic,
): PlanJson {
  const traffic = {
    unitsPerSecond: rps,
    from: 'given',
    errorRate: errorRate ?? null,
    rates,
    evidence: null,
    exceedance: null,
  } as const
  const plan = buildPlan(service, config.hash)!
  return presentPlan(service, forecastWithAdvice(plan, traffic, regression ?? null))
}
