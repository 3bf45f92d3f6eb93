import { isDecided } from '../../../domain/comparison.ts'
import { formatValue } from '../../../rollout/format.ts'
import type { ComparisonJson } from '../../present-comparison.ts'
import type { MetricJson } from '../../present-metric.ts'
import type { ServiceJson } from '../../present.ts'
import type { Tone } from '../parts/words.ts'

/** What the evidence says of a promotion: a sentence, and how it is meant. */
export type EvidenceOfVerb = { readonly tone: Tone; readonly says: string }

/** What the evidence says of a variant that would get everything; null = nothing is compared. */
export function evidenceOfVariant(
  { comparisons }: Pick<ServiceJson, 'comparisons'>,
  variant: string,
): EvidenceOfVerb | null {
  if (comparisons.length === 0) return null
  const comparison = comparisons.find((each) => each.variant === variant)
  return comparison === undefined ? ofBaseline(comparisons) : ofChallenger(comparison)
}

/** What the evidence says of a canary that would go on to its next step; null = nothing speaks against it. */
export function evidenceOfCanary({ metrics }: Pick<ServiceJson, 'metrics'>): EvidenceOfVerb | null {
  const namesWith = (verdict: MetricJson['verdict']): string =>
    metrics
      .filter((metric) => metric.verdict === verdict && metric.required)
      .map(({ name }) => name)
      .join(', ')
  const failed = namesWith('failed')
  if (failed !== '') return { tone: 'bad', says: `The canary is worse: ${failed}.` }
  const open = namesWith('inconclusive')
  if (open === '') return null
  return { tone: 'warn', says: `Not known yet whether the canary is no worse: ${open}.` }
}

function ofBaseline(comparisons: readonly ComparisonJson[]): EvidenceOfVerb {
  const better = comparisons
    .filter(({ verdict, mismatched }) => verdict === 'better' && !mismatched)
    .map(({ variant }) => variant)
  return better.length === 0
    ? { tone: 'plain', says: 'No challenger is shown to be better than the baseline.' }
    : { tone: 'warn', says: `Shown to be better than the baseline: ${better.join(', ')}.` }
}

function ofChallenger(comparison: ComparisonJson): EvidenceOfVerb {
  const { variant, verdict } = comparison
  if (comparison.mismatched) {
    const says = `The comparison of ${variant} is not to be relied on: the split is not as drawn.`
    return { tone: 'warn', says }
  }
  if (!isDecided(comparison.metrics)) {
    return { tone: 'plain', says: `No metric decides on ${variant}: each only warns or reports.` }
  }
  if (verdict === 'unknown') {
    const open = namesOf(comparison, 'unknown')
    return {
      tone: 'warn',
      says: `Not known yet whether ${variant} is no worse than the baseline: ${open}.`,
    }
  }
  if (verdict === 'no-worse') {
    return { tone: 'good', says: `${variant} is shown to be no worse than the baseline.` }
  }
  const names = namesOf(comparison, verdict)
  return {
    tone: verdict === 'worse' ? 'bad' : 'good',
    says: `${variant} is shown to be ${verdict} than the baseline: ${names}.`,
  }
}

/** The metrics of that verdict with their values. */
function namesOf({ metrics }: ComparisonJson, verdict: ComparisonJson['verdict']): string {
  return metrics
    .filter(({ comparison }) => comparison === verdict)
    .map(
      ({ name, kind, canary, baseline }) =>
        `${name} ${formatValue(kind, canary.value)} against ${formatValue(kind, baseline.value)}`,
    )
    .join(', ')
}
