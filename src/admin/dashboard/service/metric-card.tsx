import { formatCount, formatLimit, formatNumber, formatPercent, formatValue } from '../../../rollout/format.ts'
import type { MetricJson } from '../../present-metric.ts'
import { EvidenceChart, RatioChart } from '../charts/metric-charts.tsx'
import type { Moment } from '../live/moments.ts'
import { Badge } from '../parts/badge.tsx'
import { Figure } from '../parts/figure.tsx'
import { VERDICTS } from '../parts/words.ts'
import { EvidenceMeter } from './evidence-meter.tsx'
import { verdictOf } from './metric-words.ts'

/** One metric: its verdict, its numbers, and the picture of why nothing, or something, is decided by it. */
export function MetricCard({
  metric,
  moments,
}: {
  readonly metric: MetricJson
  readonly moments: readonly Moment[]
}) {
  const { name, kind, evidence, required, outsideAlpha } = metric
  const isTested = evidence.harm !== null || evidence.nonInferiority !== null
  const role = required ? 'decides' : metric.onFailure === 'warn' ? 'warns' : 'shown only'
  return (
    <article class="panel metric" aria-labelledby={`metric-${name}`}>
      <div class="metric-head">
        <h3 id={`metric-${name}`}>{name}</h3>
        <Badge tone={VERDICTS[metric.verdict].tone}>{verdictOf(metric)}</Badge>
        <span class="muted">
          {kind === name ? '' : `${kind} · `}
          {role}
          {outsideAlpha ? ' · outside α' : ''}
        </span>
      </div>
      <MetricNumbers metric={metric} />
      {metric.error !== null && <p class="notice notice-warn">{metric.error}</p>}
      {isTested && (
        <>
          <div class="meters">
            <EvidenceMeter label={harmLabel(metric)} kind="harm" evidence={evidence.harm} />
            <EvidenceMeter
              label={proofLabel(metric)}
              kind="proof"
              evidence={evidence.nonInferiority}
            />
          </div>
          {/* What only guards others is said in words. */}
          {required && (
            <div class="charts charts-two">
              <RatioChart metric={metric} moments={moments} />
              <EvidenceChart metric={metric} moments={moments} />
            </div>
          )}
        </>
      )}
    </article>
  )
}

function MetricNumbers({ metric }: { readonly metric: MetricJson }) {
  const { kind, baseline, canary, ratio, limit, bounds, threshold, drift } = metric
  const show = (value: number | null, unknown: string): string => value?.toFixed(3) ?? unknown
  return (
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
      {ratio !== null && (
        <Figure
          label="ratio"
          value={show(ratio.estimate, '–')}
          note={`${show(ratio.lower, '0')} to ${show(ratio.upper, '∞')}`}
        />
      )}
      {limit !== null && (
        <Figure
          label="limit"
          value={formatLimit(kind, limit)}
          note={
            bounds === null
              ? limit.tooFew
                ? 'too few samples yet'
                : ''
              : `shown ${formatPercent(bounds.lower)} to ${formatPercent(bounds.upper)}`
          }
        />
      )}
      {threshold !== null && (
        <Figure
          label="measurements"
          value={`${threshold.counts.successful} ok, ${threshold.counts.failed} failed`}
          note={`${threshold.counts.error} errors`}
        />
      )}
      {drift !== null && (
        <Figure
          label="shift (PSI)"
          value={formatNumber(drift.psi)}
          note={`counts from ${formatNumber(drift.minPsi)}`}
        />
      )}
    </dl>
  )
}

function harmLabel({ margins, kind }: MetricJson): string {
  if (kind === 'drift') return 'Shifted?'
  const margin = margins?.harm ?? 0
  return margin === 0 ? 'Worse?' : `Worse by more than ${formatPercent(margin)}?`
}

function proofLabel({ margins }: MetricJson): string {
  const margin = margins?.proof ?? null
  return margin === null ? 'No worse?' : `No worse than by ${formatPercent(margin)}?`
}
