import { presentExperimentPlan, type ExperimentPlanJson } from '../admin/present-experiment-plan.ts'
import type { Config } from '../config/config.ts'
import type { Service } from '../domain/service.ts'
import { buildExperimentPlan } from '../rollout/experiment-plan.ts'
import { forecastExperimentWithAdvice } from '../rollout/experiment-advice.ts'
import { givenTraffic, type GivenTraffic } from './given-traffic.ts'

/** What the planner says of a service's experiment, of the configuration alone; the service has to have one. */
export function planExperiment(
  config: Pick<Config, 'hash'>,
  service: Service,
  given: GivenTraffic,
): ExperimentPlanJson {
  const plan = buildExperimentPlan(service, config.hash)!
  const traffic = { ...givenTraffic(given), evidence: null }
  return presentExperimentPlan(
    service,
    forecastExperimentWithAdvice(plan, traffic, given.regression ?? null),
  )
}
