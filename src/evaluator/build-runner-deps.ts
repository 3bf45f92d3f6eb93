import type { EvaluatorDeps } from './evaluator-deps.ts'
import type { ReplicaDeps } from './replicas.ts'
import type { ExperimentDeps, RunnerDeps } from './runner-deps.ts'

/** What the runner of one service is given of what the control loop has. */
export function buildRunnerDeps(
  service: string,
  deps: EvaluatorDeps,
  lead: Pick<RunnerDeps, 'lease' | 'follows' | 'judged'>,
  replicas: ReplicaDeps,
): RunnerDeps {
  const { reachability } = deps
  // Written out: of what spreads give, each service would have a shape of its own to the engine, and with many
  // services every place that reads one is slow.
  return {
    store: deps.store,
    clock: deps.clock,
    lease: lead.lease,
    follows: lead.follows,
    judged: lead.judged,
    fetchProvider: deps.fetchProvider,
    apply: deps.apply,
    confirm: deps.confirm,
    reachability: (variant) => reachability(service, variant),
    onDecision: deps.onDecision,
    onTurn: deps.onTurn ?? (() => {}),
    onError: deps.onError,
    others: replicas.others,
    word: replicas.word,
    nameShares: replicas.nameShares,
  }
}

/** What the runner of a fixed split is given, by what that of a rollout is. */
export function buildExperimentDeps(
  service: string,
  { applyWinner }: Pick<EvaluatorDeps, 'applyWinner'>,
  deps: RunnerDeps,
): ExperimentDeps {
  return { ...deps, apply: (winner) => applyWinner(service, winner) }
}
