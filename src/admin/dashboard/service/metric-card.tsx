import { verdictFigures, type SideValues } from '../../../domain/metric-facts.ts'
import { formatCount, formatPercent, formatValue } from '../../../rollout/format.ts'
import type { MetricJson } from '../../present-metric.ts'
import { EvidenceChart, RatioChart, ValuesChart } from '../charts/metric-charts.tsx'
import type { Moment } from '../live/moments.ts'
import { Badge } from '../parts/badge.tsx'
import { Figure } from '../parts/figure.tsx'
import { VERDICTS } from '../parts/words.ts'
import { EvidenceMeter } from './evidence-meter.tsx'
import { figuresOf, roleOf, verdictOf } from './metric-words.ts'

/** One metric: its verdict, its numbers, and the picture of why nothing, or something, is decided by it. */
export function MetricCard({
  metric,
  decided,
  moments,
}: {
  readonly metric: MetricJson
  /** As it was when it ended the attempt; null = it did not. */
  readonly decided: MetricJson | null
  readonly moments: readonly Moment[]
}) {
  const { name, kind, evidence, baseline, canary } = metric
  const then = decided === null ? null : verdictFigures(decided)
  return (
    <article class="panel metric" aria-labelledby={`metric-${name}`}>
      <div class="metric-head">
        <h3 id={`metric-${name}`}>{name}</h3>
        <Badge tone={VERDICTS[metric.verdict].tone}>{verdictOf(metric)}</Badge>
        <span class="muted">{roleOf(metric)}</span>
      </div>
      <dl class="numbers-line">
        <Figure
          label="baseline"
          value={formatValue(kind, baseline.value)}
          note={`n ${formatCount(baseline.n)}`}
        />
        <Figure
          label="canary"
          value={formatValue(kind, canary.value)}
          note={`n ${formatCount(canary.n)}`}
        />
        {figuresOf(metric).map((figure) => (
          <Figure key={figure.label} {...figure} />
        ))}
      </dl>
      {then !== null && isCountedOn(then, metric) && (
        <p class="notice">
          When it was decided: {formatValue(kind, then.canary.value)} on the canary (n{' '}
          {formatCount(then.canary.n)}), {formatValue(kind, then.baseline.value)} on the baseline (n{' '}
          {formatCount(then.baseline.n)}). The charts end there; the other numbers of this card have
          what came in since.
        </p>
      )}
      {metric.error !== null && <p class="notice notice-warn">{metric.error}</p>}
      <div class="meters">
        <EvidenceMeter label={harmLabel(metric)} kind="harm" evidence={evidence.harm} />
        <EvidenceMeter label={proofLabel(metric)} kind="proof" evidence={evidence.nonInferiority} />
      </div>
      <div class="charts">
        {metric.slow === null ? (
          <RatioChart metric={metric} moments={moments} />
        ) : (
          <ValuesChart metric={metric} moments={moments} />
        )}
        <EvidenceChart metric={metric} moments={moments} />
      </div>
    </article>
  )
}

function isCountedOn(then: SideValues, now: SideValues): boolean {
  return then.canary.n !== now.canary.n || then.baseline.n !== now.baseline.n
}

function harmLabel({ margins }: MetricJson): string {
  const margin = margins?.harm ?? 0
  return margin === 0 ? 'Worse?' : `Worse by more than ${formatPercent(margin)}?`
}

function proofLabel({ margins }: MetricJson): string {
  const margin = margins?.proof ?? null
  return margin === null ? 'No worse?' : `No worse than by ${formatPercent(margin)}?`
}
