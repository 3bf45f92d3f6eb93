import { isDecided, type ComparisonVerdict } from '../domain/comparison.ts'
import type { ExperimentRecord } from '../domain/decision.ts'
import { experimentId, type ExperimentState } from './experiment.ts'
import type { ExperimentPlan } from './experiment-plan.ts'
import { writeReport } from './write-report.ts'
import type { Transition } from './transition.ts'

/** A transition of a fixed split, and what the experiment that it ends had come to; null = it ends none. */
export type ExperimentTransition = Transition & {
  readonly ended: ExperimentRecord | null
  /** The challenger that the decision is about, where it gives or takes no traffic; absent = it does. */
  readonly about?: string
}

/** Which attempt of an experiment a stored state is of; null = nothing was compared in it. */
export function attemptOf({
  fingerprint,
  attempt,
}: Pick<ExperimentState, 'fingerprint' | 'attempt'>): {
  readonly id: string
  readonly challengers: readonly string[]
} | null {
  if (fingerprint.analysis === '') return null
  // As `buildExperimentPlan` writes it: the configuration that it was made from may be gone.
  const [versions] = JSON.parse(fingerprint.analysis) as readonly [readonly string[]]
  if (versions.length === 1) return null
  const named = JSON.parse(fingerprint.steps) as readonly (readonly [string, number])[]
  const challengers = named.flatMap(([name, bp]) => (bp === 0 ? [] : name))
  return { id: `${versions.join(' vs ')}#${attempt}`, challengers }
}

/** What an experiment has come to, as plain data: reports work out most of what they say when it is read. */
export function writeExperiment({
  id,
  startedAt,
  comparisons,
}: ExperimentRecord): ExperimentRecord {
  return {
    id,
    startedAt,
    comparisons: comparisons.map((comparison) => ({
      variant: comparison.variant,
      verdict: comparison.verdict,
      metrics: comparison.metrics.map((m) => ({ ...m, report: writeReport(m.report) })),
      units: comparison.units,
      expectedShare: comparison.expectedShare,
      ratioMismatch: comparison.ratioMismatch,
      etaSeconds: comparison.etaSeconds,
    })),
  }
}

/** Says in a decision that another experiment has begun, and what the one before had come to; null = there was none. */
export function tellEnd(
  plan: ExperimentPlan,
  transition: Transition,
  ended: ExperimentRecord | null,
  actor: string,
): ExperimentTransition {
  if (ended === null || transition.decision !== null) return { ...transition, ended }
  const found = ended.comparisons.map(({ variant, verdict, metrics }) =>
    isDecided(metrics.map(({ report }) => report))
      ? `${variant} ${WORDS[verdict]}`
      : `no metric decides on ${variant}`,
  )
  const next =
    plan.comparisons.length === 0
      ? 'nothing is compared any more'
      : `${experimentId(plan, transition.state)} begins`
  const summary = `${ended.id} has ended: ${found.join(', ')}; ${next}`
  const decision = { action: 'start', reason: 'configuration', actor, note: null, summary } as const
  return { ...transition, decision, ended }
}

const WORDS: Readonly<Record<ComparisonVerdict, string>> = {
  better: 'better',
  'no-worse': 'no worse',
  worse: 'worse',
  unknown: 'not known yet',
}
