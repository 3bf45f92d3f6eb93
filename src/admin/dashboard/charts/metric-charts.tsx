import { useMemo } from 'preact/hooks'
import { formatNumber, formatPercent, formatValue } from '../../../rollout/format.ts'
import type { MetricJson } from '../../present-metric.ts'
import type { MetricMoment, Moment } from '../live/moments.ts'
import { ChartFigure } from './chart-figure.tsx'
import type { Rule } from './draw-rules.ts'
import { scaleOfRatio } from './ratio-scale.ts'

const NOTHING_YET = 'Drawn as soon as there is evidence.'

/** The evidence of one metric over time, against the two thresholds at which it decides. */
export function EvidenceChart({
  metric,
  moments,
}: {
  readonly metric: MetricJson
  readonly moments: readonly Moment[]
}) {
  const { harm, nonInferiority } = metric.evidence
  const columns = useColumns(metric.name, moments, [(m) => m.harm, (m) => m.proof])
  const largest = Math.max(harm?.threshold ?? 0, nonInferiority?.threshold ?? 0)
  const rules: Rule[] = []
  if (harm !== null) {
    const label = `worse is shown: ${formatNumber(harm.threshold)}`
    rules.push({ at: harm.threshold, colour: 'harm', label })
  }
  if (nonInferiority !== null) {
    const label = `no worse is shown: ${formatNumber(nonInferiority.threshold)}`
    rules.push({ at: nonInferiority.threshold, colour: 'proof', label, words: 'below' })
  }
  return (
    <ChartFigure
      title="Evidence (natural logarithm)"
      lines={[
        { label: 'that it is worse', colour: 'harm', dash: [6, 3] },
        { label: 'that it is no worse', colour: 'proof' },
      ]}
      columns={columns}
      rules={rules}
      // Evidence that goes far away from a threshold says nothing more: the thresholds stay in sight.
      range={(min, max) => [
        Math.max(Math.min(min, -0.5), -largest),
        Math.min(Math.max(max, largest * 1.25), largest * 2.5),
      ]}
      format={formatNumber}
      summary={summarise(metric)}
      empty={NOTHING_YET}
    />
  )
}

/** Canary over baseline with its interval, against the margin. */
export function RatioChart({
  metric,
  moments,
}: {
  readonly metric: MetricJson
  readonly moments: readonly Moment[]
}) {
  const sign = metric.better === 'lower' ? 1 : -1
  const harm = metric.margins?.harm ?? 0
  const proof = metric.margins?.proof ?? harm
  const margin = 1 + sign * proof
  const known = useColumns(metric.name, moments, [
    (m) => m.estimate,
    (m) => (m.estimate === null ? null : (m.lower ?? 0)),
    (m) => (m.estimate === null ? null : (m.upper ?? UNBOUNDED)),
  ])
  const [, estimates = [], lower = [], upper = []] = known
  const rules: Rule[] = [{ at: 1, colour: 'muted', label: '', isSolid: true }]
  rules.push({
    at: margin,
    colour: 'harm',
    label: `margin: ${formatPercent(proof)} ${sign === 1 ? 'more' : 'less'}`,
    shade: sign === 1 ? 'above' : 'below',
  })
  return (
    <ChartFigure
      title="Canary ÷ baseline, and its interval"
      lines={[
        { label: 'ratio', colour: 'canary' },
        { label: 'from', colour: 'canary', isEdge: true },
        { label: 'to', colour: 'canary', isEdge: true },
      ]}
      band={[2, 1]}
      columns={known}
      rules={rules}
      range={() => scaleOfRatio({ estimates, lower, upper, margin })}
      formatTick={formatNumber}
      format={(value) => (value >= UNBOUNDED ? '∞' : value.toFixed(3))}
      summary={summariseRatio(metric)}
      empty="No ratio can be given yet."
    />
  )
}

/** Stands for an interval that has no upper end yet. */
const UNBOUNDED = 1e6

/** What a metric came to on both sides: of a latency no ratio is given, for that of its milliseconds is not compared. */
export function ValuesChart({
  metric,
  moments,
}: {
  readonly metric: MetricJson
  readonly moments: readonly Moment[]
}) {
  const { name, kind, baseline, canary } = metric
  const format = (value: number | null): string => formatValue(kind, value)
  return (
    <ChartFigure
      title="Baseline and canary"
      lines={[
        { label: 'baseline', colour: 'baseline', dash: [6, 3] },
        { label: 'canary', colour: 'canary' },
      ]}
      columns={useColumns(name, moments, [(m) => m.baseline, (m) => m.canary])}
      range={(_, max) => [0, max * 1.1]}
      format={format}
      summary={`${name}: ${format(canary.value)} on the canary, ${format(baseline.value)} on the baseline.`}
      empty={NOTHING_YET}
    />
  )
}

function useColumns(
  name: string,
  moments: readonly Moment[],
  read: readonly ((moment: MetricMoment) => number | null)[],
): readonly (readonly (number | null)[])[] {
  return useMemo(() => {
    const with_ = moments.flatMap(({ at, metrics }) => {
      const metric = metrics[name]
      return metric === undefined ? [] : [{ at, metric }]
    })
    return [with_.map(({ at }) => at), ...read.map((r) => with_.map(({ metric }) => r(metric)))]
  }, [name, moments])
}

function summarise({ name, evidence }: MetricJson): string {
  const of = (what: string, e: MetricJson['evidence']['harm']) =>
    e === null
      ? `${what} is not asked`
      : `evidence that it is ${what} is ${e.log === null ? 'ruled out' : formatNumber(e.log)}, decided at ${formatNumber(e.threshold)}`
  return `${name}: ${of('worse', evidence.harm)}; ${of('no worse', evidence.nonInferiority)}.`
}

function summariseRatio({ name, ratio, margins }: MetricJson): string {
  if (ratio === null) return `${name}: the ratio is not known yet.`
  const show = (value: number | null, unknown: string) => value?.toFixed(3) ?? unknown
  const margin = margins?.proof == null ? '' : ` The margin is ${formatPercent(margins.proof)}.`
  return `${name}: canary over baseline is ${show(ratio.estimate, 'unknown')}, between ${show(ratio.lower, '0')} and ${show(ratio.upper, 'no bound')}.${margin}`
}
