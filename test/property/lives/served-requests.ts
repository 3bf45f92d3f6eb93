import { rolloutId } from '../../../src/domain/rollout-state.ts'
import type { Service } from '../../../src/domain/service.ts'
import { weightsOf, winnerOf, type ExperimentState } from '../../../src/rollout/experiment.ts'
import { buildExperimentPlan } from '../../../src/rollout/experiment-plan.ts'
import { BASELINE, CANARY } from '../../../src/domain/variant.ts'
import { assign } from '../../../src/routing/assign.ts'
import type { RequestFields } from '../../../src/routing/fields.ts'
import { buildSplit, type Split } from '../../../src/routing/split.ts'
import type { LifeGateway } from './life-gateway.ts'
import type { LifeLog, Logged } from './life-log.ts'

/** A request that was sent, and what its client has of it. */
export type Served = {
  readonly gateway: LifeGateway
  readonly service: string
  readonly requestId: string
  readonly user: string | null
  readonly fields: RequestFields
  /** Milliseconds since the life began. */
  readonly at: number
  /** Since when its gateway may not have had the store; null = it has it. */
  readonly aloneSince: number | null
  /** Its answer had a prediction. */
  readonly isRead: boolean
  /** Which it was assigned to. */
  readonly variant: string
  /** Another one has answered in its place. */
  readonly isFallback: boolean
  readonly status: number
  /** serin's own error; null = it is an upstream's answer. */
  readonly error: string | null
}

/** So long after a decision every gateway that has the store serves its weights (docs/scaling.md). */
const WEIGHTS_EVERYWHERE_MS = 1000

/** A breaker opens in each gateway by itself, and what it has done is a decision within this. */
export const TRIP_STORED_MS = 1000

/**
 * Holds what was served against what was decided: why it may not have been; null = it may. To be asked `TRIP_STORED_MS`
 * after it was served.
 */
export function judgeServed(served: Served, log: LifeLog): string | null {
  const { gateway, service: name, at, aloneSince, variant } = served
  const since = (aloneSince ?? at) - WEIGHTS_EVERYWHERE_MS
  const decided = log.inForceSince(name, since)
  const before = decided.filter((logged) => logged === null || logged.at <= at)
  const trips = decided.filter((logged) => logged?.state.phase === 'rolled-back')
  const services = servicesAt(gateway, name, at)
  const splits = log.splitsSince(name, since).filter((each) => each.at <= at)
  const possible = services.flatMap((service) => {
    // Weights of a fixed split are those of its file, or of a winner; where the store is away nothing may be known of one.
    if (service.rollout === null) {
      const known = splits.map(({ state }) => state)
      const here = aloneSince === null ? known : [...known, null]
      return here.flatMap((state) => variantsOfFixed(service, state, served.fields))
    }
    // Where the store is away a canary may be taken off here alone.
    const here = aloneSince === null ? before : [...before, null]
    return [...here, ...trips].flatMap((logged) => variantsOf(service, logged, served.fields))
  })
  if (possible.length === 0 || possible.includes(variant)) return null
  const told = [...new Set(possible)].join(' or ')
  const versions = gateway.taken.map(({ at: takenAt, config }) => {
    const service = config.services.find((each) => each.name === name)
    const of = service?.variants.map(({ version }) => version) ?? ['nothing']
    return `${of.join(' and ')} since ${takenAt} ms`
  })
  const place = `${gateway.name}, with ${versions.join(', ')}`
  return `${served.requestId} of ${name} was served by ${variant}, and not by ${told} at ${at} ms (${place})`
}

/** A service as it was at that moment; a file that was taken just then may have come before or after. */
function servicesAt({ taken }: LifeGateway, name: string, at: number): readonly Service[] {
  const first = taken.findLastIndex((each) => each.at < at)
  const then = taken.slice(Math.max(0, first)).filter((each) => each.at <= at)
  return then.flatMap(({ config }) => config.services.filter((each) => each.name === name))
}

/** Which variants may get a request with these weights: one, where a key or a rule says so. */
function variantsOf(
  service: Service,
  logged: Logged | null,
  fields: RequestFields,
): readonly string[] {
  const canary = service.variants.find(({ name }) => name === CANARY)!.version
  // A file that others have left behind: its canary is the baseline by now, and has or had everybody.
  if (logged?.state.baselineVersion === canary) return service.variants.map(({ name }) => name)
  const baseline = service.variants.find(({ name }) => name === BASELINE)!.version
  // What is decided between other versions is nothing to this file: its own rollout begins at 0 %.
  const { canaryVersion, baselineVersion } = logged?.state ?? {}
  const isKnown = canaryVersion === canary && baselineVersion === baseline
  const weights = isKnown ? { canary: logged!.state.weightBp } : {}
  const split = buildSplit(service, weights, isKnown ? rolloutId(logged!.state) : '')
  return variantsBy(split, fields)
}

/** The same of a fixed split in this state. */
function variantsOfFixed(
  service: Service,
  state: ExperimentState | null,
  fields: RequestFields,
): readonly string[] {
  const plan = buildExperimentPlan(service, '')
  const winner = plan === null ? null : winnerOf(plan, state)
  return variantsBy(buildSplit(service, weightsOf(service.split, winner), service.name), fields)
}

/** No variant's share of a draw is smaller. */
const LEAST_SHARE = 0.05

function variantsBy(split: Split, fields: RequestFields): readonly string[] {
  const draws = Array.from({ length: 1 / LEAST_SHARE }, (_, i) => i * LEAST_SHARE)
  const all = [...draws, 1 - Number.EPSILON].map(
    (draw) => assign(split, fields, () => draw).variant,
  )
  return [...new Set(all)]
}
