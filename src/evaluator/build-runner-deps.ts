import type { EvaluatorDeps } from './evaluator-deps.ts'
import type { ReplicaDeps } from './replicas.ts'
import type { ExperimentDeps, RunnerDeps } from './runner-deps.ts'

/** What the runner of one service is given of what the control loop has. */
export function buildRunnerDeps(
  service: string,
  deps: EvaluatorDeps,
  lead: Pick<RunnerDeps, 'lease' | 'follows'>,
  replicas: ReplicaDeps,
): RunnerDeps {
  const { store, clock, apply, confirm, onDecision, onError, reachability, fetchProvider } = deps
  return {
    ...{ store, clock, apply, confirm, onDecision, onError, fetchProvider, ...lead },
    onTurn: deps.onTurn ?? (() => {}),
    ...replicas,
    reachability: (variant) => reachability(service, variant),
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
