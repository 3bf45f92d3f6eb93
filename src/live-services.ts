import type { Config } from './config/config.ts'
import type { Clock } from './domain/clock.ts'
import type { Prediction } from './domain/prediction.ts'
import { rolloutId, type RolloutState } from './domain/rollout-state.ts'
import type { Service } from './domain/service.ts'
import { CANARY } from './domain/variant.ts'
import type { PairTicket } from './metrics/pair-ledger.ts'
import { ServiceBook } from './metrics/service-recorder.ts'
import { buildRuntime, type ServiceRuntime, type Snapshot } from './proxy/service-runtime.ts'
import { buildMirrors } from './proxy/mirror.ts'
import { Budget } from './proxy/budget.ts'
import type { Targets, UpstreamRegistry } from './proxy/upstream-registry.ts'
import { weightsOf, winnerOf, type ExperimentState } from './rollout/experiment.ts'
import { buildExperimentPlan, type ExperimentPlan } from './rollout/experiment-plan.ts'
import { runningMirror } from './rollout/mirror-step.ts'
import { buildPlan } from './rollout/plan.ts'
import type { RolloutPlan } from './rollout/plan.ts'
import { buildSplit, type Split } from './routing/split.ts'
import { buildTable } from './routing/table.ts'

/** Everything that one configuration brought to life: replaced whole by a reload. */
export type LiveServices = {
  readonly config: Config
  readonly snapshot: Snapshot
  readonly books: ReadonlyMap<string, ServiceBook>
  readonly targets: Targets
  /** Of the services that have a rollout. */
  readonly plans: ReadonlyMap<string, RolloutPlan>
  /** Of the services whose split is fixed. */
  readonly experiments: ReadonlyMap<string, ExperimentPlan>
}

/**
 * Builds the services of a configuration. Books go on from `previous`; `stateOf` gives the rollout that
 * a service is in, and `experimentOf` its fixed split, so that a reload does not move its weights before
 * the evaluator has looked.
 */
export function buildLiveServices(
  config: Config,
  deps: {
    readonly clock: Clock
    readonly remember: (prediction: Prediction, pair: PairTicket | null) => void
    readonly upstreams: UpstreamRegistry
  },
  previous: LiveServices | null,
  stateOf: (service: string) => RolloutState | null,
  experimentOf: (service: string) => ExperimentState | null,
): LiveServices {
  const targets = deps.upstreams.open(config.services)
  const books = new Map<string, ServiceBook>()
  const runtimes = new Map<string, ServiceRuntime>()
  const plans = new Map<string, RolloutPlan>()
  const experiments = new Map<string, ExperimentPlan>()
  for (const service of config.services) {
    const { name } = service
    const book = new ServiceBook({ ...deps, service, previous: previous?.books.get(name) ?? null })
    const plan = buildPlan(service, config.hash)
    books.set(name, book)
    if (plan !== null) plans.set(name, plan)
    const experiment = buildExperimentPlan(service, config.hash)
    if (experiment !== null) experiments.set(name, experiment)
    const winner = experiment === null ? null : winnerOf(experiment, experimentOf(name))
    const byVariant = targets.byService.get(name)!
    const runtime = buildRuntime(service, {
      split: splitOf(service, stateOf(name), winner),
      recorder: book,
      targets: byVariant,
      fallbacks: new Budget(),
      mirrors: mirrorsOf(service, byVariant, book, stateOf(name)),
    })
    runtimes.set(name, runtime)
  }
  const snapshot = { table: buildTable([...runtimes.values()]), runtimes }
  return { config, snapshot, books, targets, plans, experiments }
}

/** The services that have a rollout, with what is judged there. */
export function rolloutsOf({ plans, books }: LiveServices): readonly Judged<RolloutPlan>[] {
  return [...plans].map(([name, plan]) => ({ plan, book: books.get(name)! }))
}

/** The services whose split is fixed, with what is compared there. */
export function experimentsOf({
  experiments,
  books,
}: LiveServices): readonly Judged<ExperimentPlan>[] {
  return [...experiments].map(([name, plan]) => ({ plan, book: books.get(name)! }))
}

type Judged<Plan> = { readonly plan: Plan; readonly book: ServiceBook }

/** Who gets copies of a service's requests: its mirrors, and its canary in a mirror step of the rollout. */
export function mirrorsOf(
  service: Service,
  targets: ServiceRuntime['targets'],
  book: ServiceBook,
  state: RolloutState | null,
): ServiceRuntime['mirrors'] {
  const steps = service.rollout?.steps ?? []
  const isKnown = state !== null && state.canaryVersion === canaryVersion(service)
  const step = isKnown ? runningMirror(steps, state) : null
  const spec = step === null ? null : { ...step, to: CANARY }
  return buildMirrors(service, targets, book.mirrors, spec)
}

/**
 * The split of a service: its rollout's weights (without a state the baseline's alone), else the fixed
 * ones, or all for their `winner`.
 */
export function splitOf(
  service: Service,
  state: RolloutState | null,
  winner: string | null,
): Split {
  if (service.rollout === null) {
    return buildSplit(service, weightsOf(service.split, winner), service.name)
  }
  // A version that the state does not know gets nothing until its own rollout has begun.
  if (state === null || state.canaryVersion !== canaryVersion(service))
    return buildSplit(service, {}, '')
  return buildSplit(service, { canary: state.weightBp }, rolloutId(state))
}

function canaryVersion({ variants }: Service): string | undefined {
  return variants.find((v) => v.name === CANARY)?.version
}
