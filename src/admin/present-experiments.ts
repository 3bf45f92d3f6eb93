import type { Decision } from '../domain/decision.ts'
import { presentComparison } from './present-comparison.ts'
import type { PastExperimentSchema } from './schema-experiment.ts'
import type { Json } from './schema-value.ts'

/** An experiment that has ended, as the API shows it. */
export type PastExperimentJson = Json<typeof PastExperimentSchema>

/** What `GET …/experiments` answers, newest first. */
export type ExperimentsAnswer = { readonly experiments: readonly PastExperimentJson[] }

/**
 * Builds the experiments that have ended from the decisions of a service, both newest first. One ends when a
 * variant is promoted, until that is taken back, or when another one begins.
 */
export function presentExperiments(decisions: readonly Decision[]): readonly PastExperimentJson[] {
  const ended = new Map<string, PastExperimentJson>()
  for (const decision of decisions.toReversed()) {
    const { experiment, action, rollout } = decision
    if (experiment === undefined) continue
    const { id } = experiment
    if (action === 'promote') ended.set(id, present(decision, experiment))
    // The same attempt goes on: its winner was taken back.
    else if (rollout === id) ended.delete(id)
    // With a winner it had ended before.
    else if (!ended.has(id)) ended.set(id, present(decision, experiment))
  }
  return [...ended.values()].toSorted((a, b) => b.decision.id - a.decision.id)
}

function present(
  { id, at, action, actor, summary, note, to }: Decision,
  experiment: NonNullable<Decision['experiment']>,
): PastExperimentJson {
  const winner = Object.keys(to.weights).find((variant) => to.weights[variant] === 100)
  return {
    id: experiment.id,
    from: new Date(experiment.startedAt).toISOString(),
    to: new Date(at).toISOString(),
    winner: action === 'promote' ? (winner ?? null) : null,
    decision: { id, action, actor, summary, note },
    comparisons: experiment.comparisons.map(presentComparison),
  }
}
