import { watchedPointers } from '../domain/rollout-spec.ts'
import { analysisOf, type FieldSource, type Service, type SplitSpec } from '../domain/service.ts'
import { CANARY } from '../domain/variant.ts'
import { toByteString } from './byte-string.ts'
import { buildRule, type Rule } from './rule.ts'
import { buildSegmentation, type Segmentation } from './segment.ts'
import { buildToss, type Toss } from './toss.ts'
import { completeWeights } from './weights.ts'

/**
 * How the requests of one service are shared out at one moment, everything computed in advance. Immutable:
 * new weights are a new split.
 */
export type Split = {
  /** Basis points of every variant, the baseline included; they sum to 10,000. */
  readonly weightsBp: Readonly<Record<string, number>>
  /** How the weights decide. */
  readonly toss: Toss
  readonly key: FieldSource | null
  readonly rules: readonly Rule[]
  readonly override: SplitSpec['override']
  /** Every variant's name by its byte string: what an override may ask for. */
  readonly names: ReadonlyMap<string, string>
  /** A rule that names the canary is answered by the baseline: the service has a rollout, and it is at 0. */
  readonly suppressCanary: boolean
  /** Null: requests are not told apart. */
  readonly segmentation: Segmentation | null
  /** Pointers into the body whose numbers are watched for drift. */
  readonly watched: readonly string[]
}

/**
 * Builds the split of a service at these weights: basis points by variant name, the baseline gets the rest.
 * `salt` is the rollout's id with its attempt (`1.4->2.0#1`), or the service's name where there is no rollout:
 * a new salt deals the keys anew. Throws a RangeError where weights or rules do not fit the service.
 */
export function buildSplit(
  service: Service,
  weightsBp: Readonly<Record<string, number>>,
  salt: string,
): Split {
  const complete = completeWeights(service, weightsBp)
  const toss = buildToss(service, complete, salt)
  return {
    weightsBp: complete,
    toss,
    key: service.split.key,
    rules: service.split.rules.map((rule, index) => buildRule(service, rule, index, salt)),
    override: service.split.override,
    names: new Map(service.variants.map(({ name }) => [toByteString(name), name])),
    suppressCanary: service.rollout !== null && !toss.coin.some(({ name }) => name === CANARY),
    segmentation: buildSegmentation(service.observe.segment),
    watched: watchedPointers(analysisOf(service)),
  }
}
