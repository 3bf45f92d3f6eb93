import { presentPlan, type PlanJson } from '../admin/present-plan.ts'
import type { Config } from '../config/config.ts'
import type { Service } from '../domain/service.ts'
import { buildPlan } from '../rollout/plan.ts'
import { forecastWithAdvice } from '../rollout/suggestions.ts'
import { givenTraffic, type GivenTraffic } from './given-traffic.ts'

/** What the planner says of a service's rollout, of the configuration alone; the service has to have one. */
export function forecastConfig(
  config: Pick<Config, 'hash'>,
  service: Service,
  given: GivenTraffic,
): PlanJson {
  const plan = buildPlan(service, config.hash)!
  return presentPlan(
    service,
    forecastWithAdvice(plan, givenTraffic(given), given.regression ?? null),
  )
}
