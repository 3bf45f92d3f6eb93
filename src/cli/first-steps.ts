import type { PlanJson } from '../admin/present-plan.ts'
import { formatRate } from '../rollout/format.ts'
import { buildFirstConfig, WATCH, type FirstConfig, type FirstSteps } from './first-config.ts'
import { formatSeconds } from './render.ts'

/**
 * From the most careful on: the less the canary gets first, the fewer meet its mistakes. None begins at 1 %: what is
 * seen depends on the canary's requests, so that costs five times as long and spares nobody.
 */
const LADDERS = [
  [5, 20, 50, 100],
  [10, 50, 100],
  [25, 50, 100],
  [50, 100],
] as const

/** A first rollout should be seen to its end by whoever starts it. */
const UNHURRIED_SECONDS = 2 * 3600

/**
 * Chooses the most careful steps that most rollouts (four of five) are through with in two hours at this
 * traffic, by the planner; where none are, those of a day; and else the fastest ones with a `maxDuration` that
 * fits. `rps` is in requests per second, or in new users per second where there is a key.
 */
export async function chooseSteps(first: FirstConfig, rps: number): Promise<FirstSteps> {
  const plans: { readonly weights: readonly number[]; readonly plan: PlanJson }[] = []
  for (const weights of LADDERS) {
    const plan = await forecastOf(first, { weights, maxDuration: null, forecast: '' }, rps)
    plans.push({ weights, plan })
    if (isUnhurried({ plan })) break
  }
  const { weights, plan } =
    plans.find(isUnhurried) ?? plans.find((p) => p.plan.fits) ?? plans.at(-1)!
  if (plan.fits) return { weights, maxDuration: null, forecast: describe(plan) }
  // A judgement that would take for ever needs other metrics, not more time: said by `check --rps`.
  const days = plan.p80Seconds === null ? null : Math.ceil((plan.p80Seconds * SPARE) / 86_400)
  const maxDuration = days === null ? null : `${days}d`
  return { weights, maxDuration, forecast: describe(plan) }
}

function isUnhurried({ plan }: { readonly plan: PlanJson }): boolean {
  return plan.p80Seconds !== null && plan.p80Seconds <= UNHURRIED_SECONDS
}

/** The forecast is one of four in five: the limit is for the rest too. */
const SPARE = 1.5

function describe({ unitsPerSecond, unit, p50Seconds, p80Seconds }: PlanJson): string {
  const traffic = `At ${formatRate(unitsPerSecond, unit === 'key')}`
  return p50Seconds === null || p80Seconds === null
    ? `${traffic} no rollout can be decided: judge by less, or allow more.`
    : `${traffic}: about ${formatSeconds(p50Seconds)} to 100 % in half of the rollouts, ${formatSeconds(p80Seconds)} in four of five; then it is watched for ${WATCH}.`
}

async function forecastOf(first: FirstConfig, steps: FirstSteps, rps: number): Promise<PlanJson> {
  // As much as a gateway loads: most commands never need it.
  const [{ parseConfig }, { forecastConfig }] = await Promise.all([
    import('../config/load.ts'),
    import('./forecast-config.ts'),
  ])
  const parsed = parseConfig(buildFirstConfig(first, steps), { file: null, env: {} })
  if (!parsed.ok) throw new Error(parsed.problems.map(({ message }) => message).join('; '))
  return forecastConfig(parsed.config, parsed.config.services[0]!, { rps })
}
