import type { BetEvidence, EventEvidence, Evidence } from '../domain/evidence.ts'
import { wholeId, type Hypothesis } from '../domain/hypothesis.ts'
import { suggest } from '../domain/nearest.ts'
import type { MetricSpec } from '../domain/rollout-spec.ts'

/** The segments that any of these metrics is judged by, each once. */
export function segmentsOf(metrics: readonly MetricSpec[]): readonly string[] {
  return [...new Set(metrics.flatMap(({ segments }) => segments ?? []))]
}

/** Shares of the units that somebody knows of segments: in (0, 1) and at most 1 together, by their names. */
export type GivenShares = Readonly<Record<string, number>>

/** What is wrong with shares of segments that none of these metrics is judged by, or that are more than there is; null = nothing. */
export function describeStrayShare(
  shares: GivenShares,
  metrics: readonly MetricSpec[],
): string | null {
  const [names, given] = [segmentsOf(metrics), Object.entries(shares)]
  const stray = given.find(([name]) => !names.includes(name))?.[0]
  if (stray !== undefined) {
    const known = names.length === 0 ? 'there are none' : `there are: ${names.join(', ')}`
    return `no metric is judged by segment ${stray} (${known})${suggest(stray, names)}`
  }
  const sum = given.reduce((all, [, share]) => all + share, 0)
  return sum > 1 + 1e-9 ? `${given.map(([name]) => name).join(', ')} are more than 100 %` : null
}

/** A segment's share of the units: as given, else an equal part of what is left, of which those of no segment have one, too. */
export function shareOfSegment(
  segment: string,
  segments: readonly string[],
  given: GivenShares = {},
): number {
  const known = segments.filter((name) => given[name] !== undefined)
  const left = known.reduce((rest, name) => rest - given[name]!, 1)
  return given[segment] ?? left / (segments.length - known.length + 1)
}

/**
 * Judged units of a hypothesis' segment among those of the same question about all requests; 1 for the
 * whole itself, null where nothing is judged yet.
 */
export function segmentShare(hypothesis: Hypothesis, evidence: Evidence): number | null {
  if (hypothesis.segment === undefined) return 1
  const ofAll = unitsOf(evidence, wholeId(hypothesis))
  return ofAll === 0 ? null : unitsOf(evidence, hypothesis.id) / ofAll
}

function unitsOf({ hypotheses }: Evidence, id: string): number {
  const found = hypotheses[id] as EventEvidence | BetEvidence
  const strata = found.kind === 'event' ? [found.trials] : found.strata.map(({ n }) => n)
  return strata.reduce((sum, [baseline, canary]) => sum + baseline + canary, 0)
}
