import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Config } from './config/config.ts'
import type { Clock } from './domain/clock.ts'
import type { Prediction } from './domain/prediction.ts'
import { rolloutId, type RolloutState } from './domain/rollout-state.ts'
import type { Service } from './domain/service.ts'
import { CANARY } from './domain/variant.ts'
import type { PairTicket } from './metrics/pair-ledger.ts'
import type { Evaluator } from './evaluator/evaluator.ts'
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
  /** Gives the services what their rollouts and fixed splits have come to since they were built. */
  readonly catchUp: () => void
}

/** What is decided on services: each state is another object when anything of it has changed. */
type KnownStates = {
  /** The rollout that a service is in; null = none. */
  readonly rollout: (service: string) => RolloutState | null
  /** Its fixed split; null = none. */
  readonly experiment: (service: string) => ExperimentState | null
}

/** What an evaluator knows of services. */
export function statesOf(evaluator: Pick<Evaluator, 'view' | 'experiment'>): KnownStates {
  return {
    rollout: (service) => evaluator.view(service)?.state ?? null,
    experiment: (service) => evaluator.experiment(service)?.state ?? null,
  }
}

/** Services are built for so long before requests get their turn, in milliseconds. */
const STRETCH_MS = 1

/**
 * Builds the services of a configuration, while others are served. Books go on from `previous`; `states` are those that
 * the services are in, so that a reload does not move their weights before the evaluator has looked: `catchUp` right
 * before they are served. Rejects with a sentence when a certificate cannot be read; then nothing is open.
 */
export async function buildLiveServices(
  config: Config,
  deps: {
    readonly clock: Clock
    readonly remember: (prediction: Prediction, pair: PairTicket | null) => void
    readonly upstreams: UpstreamRegistry
    readonly states: KnownStates
  },
  previous: LiveServices | null,
): Promise<LiveServices> {
  const { clock, states } = deps
  const targets = deps.upstreams.open([])
  const built = new Map<string, Built>()
  try {
    let begunAt = clock.monotonic()
    for (const service of config.services) {
      const before = previous?.books.get(service.name) ?? null
      const book = new ServiceBook({ ...deps, service, previous: before })
      built.set(service.name, buildOne(service, config, { book, states, targets }))
      if (clock.monotonic() - begunAt < STRETCH_MS) continue
      await nextTurn()
      begunAt = clock.monotonic()
    }
  } catch (error) {
    targets.release()
    throw error
  }
  const runtimes = mapOf(built, ({ runtime }) => runtime)
  return {
    ...{ config, targets },
    snapshot: { table: buildTable([...runtimes.values()]), runtimes },
    books: mapOf(built, ({ book }) => book),
    plans: mapOf(built, ({ plan }) => plan),
    experiments: mapOf(built, ({ experiment }) => experiment),
    catchUp: () => {
      for (const each of built.values()) catchUp(each, states)
    },
  }
}

/** One service, and the states that it was built with. */
type Built = {
  readonly book: ServiceBook
  readonly plan: RolloutPlan | null
  readonly experiment: ExperimentPlan | null
  readonly runtime: ServiceRuntime
  readonly state: RolloutState | null
  readonly split: ExperimentState | null
}

function buildOne(
  service: Service,
  { hash }: Config,
  given: {
    readonly book: ServiceBook
    readonly states: KnownStates
    readonly targets: Targets
  },
): Built {
  const { book, states } = given
  const experiment = buildExperimentPlan(service, hash)
  const [state, split] = [states.rollout(service.name), states.experiment(service.name)]
  const targets = given.targets.add(service)
  const runtime = buildRuntime(service, {
    split: splitOf(service, state, experiment === null ? null : winnerOf(experiment, split)),
    recorder: book,
    targets,
    fallbacks: new Budget(),
    mirrors: mirrorsOf(service, targets, book, state),
  })
  return { book, plan: buildPlan(service, hash), experiment, runtime, state, split }
}

function catchUp({ book, experiment, runtime, ...before }: Built, states: KnownStates): void {
  const { service, targets } = runtime
  const [state, split] = [states.rollout(service.name), states.experiment(service.name)]
  if (state === before.state && split === before.split) return
  runtime.split = splitOf(service, state, experiment === null ? null : winnerOf(experiment, split))
  runtime.mirrors = mirrorsOf(service, targets, book, state)
}

/** Of each service what `of` says; those of which it says null are left out. */
function mapOf<T>(
  built: ReadonlyMap<string, Built>,
  of: (each: Built) => T | null,
): ReadonlyMap<string, T> {
  const all = new Map<string, T>()
  for (const [name, each] of built) {
    const found = of(each)
    if (found !== null) all.set(name, found)
  }
  return all
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
