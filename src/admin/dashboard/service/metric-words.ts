import {
  formatCount,
  formatKind,
  formatLimit,
  formatNumber,
  formatPercent,
  formatValue,
} from '../../../rollout/format.ts'
import {
  effectOfFailure,
  hasOwnFigures,
  limitFigures,
  meaningOf,
} from '../../../domain/metric-facts.ts'
import type { MetricJson } from '../../present-metric.ts'
import { VERDICTS } from '../parts/words.ts'

/** A metric's verdict in words: what is only compared shows nothing. */
export function verdictOf(metric: MetricJson): string {
  return VERDICTS[meaningOf(metric)].word
}

/** What a metric is, and what its failure does. */
export function roleOf(metric: MetricJson): string {
  const { name, outsideAlpha } = metric
  const effect = effectOfFailure(metric)
  const role = effect === null ? 'only reported' : effect === 'pause' ? 'pauses' : 'rolls back'
  const kind = formatKind(metric)
  return [...(kind === name ? [] : [kind]), role, ...(outsideAlpha ? ['outside α'] : [])].join(
    ' · ',
  )
}

/** What a metric has beside its two values: a number, its name, and what goes with it. */
export function figuresOf(
  metric: MetricJson,
): readonly { readonly label: string; readonly value: string; readonly note: string }[] {
  const { kind, ratio, limit, bounds, threshold, drift, slow } = metric
  const show = (value: number | null, unknown: string): string => value?.toFixed(3) ?? unknown
  return [
    ...(ratio === null
      ? []
      : [
          {
            label: 'ratio',
            value: show(ratio.estimate, '–'),
            note: `${show(ratio.lower, '0')} to ${show(ratio.upper, '∞')}`,
          },
        ]),
    ...(slow === null
      ? []
      : [
          {
            label: 'slow or failed (compared)',
            value: formatValue('share', slow.canary),
            note: `against ${formatValue('share', slow.baseline)}`,
          },
        ]),
    ...(limit === null
      ? []
      : [{ label: 'limit', value: formatLimit(kind, limit), note: noteOfLimit(metric) }]),
    ...(bounds === null
      ? []
      : [
          {
            label: 'the share lies',
            value: `${formatPercent(bounds.lower)} to ${formatPercent(bounds.upper)}`,
            note: '',
          },
        ]),
    ...(threshold === null
      ? []
      : [
          {
            label: 'measurements',
            value: `${threshold.counts.successful} ok, ${threshold.counts.failed} failed`,
            note: `${threshold.counts.inconclusive} inconclusive, ${threshold.counts.error} errors`,
          },
        ]),
    ...(drift === null
      ? []
      : [
          {
            label: 'shift (PSI)',
            value: formatNumber(drift.psi),
            note: `counts from ${formatNumber(drift.minPsi)}`,
          },
        ]),
  ]
}

function noteOfLimit(metric: MetricJson): string {
  const { limit, kind } = metric
  if (limit?.tooFew === true) return 'too few samples in this step'
  const { value, n } = limitFigures(metric).canary
  const held = hasOwnFigures(metric)
    ? [`${formatValue(kind, value)} (n ${formatCount(n)}) is held against it`]
    : []
  const baseline = limit?.baselineBeyond === true ? ['the baseline is beyond it too'] : []
  const chance = limit?.byChance === true ? ['what is beyond it may be so by chance'] : []
  const countsAs = limit?.countsAs ?? null
  const keys = countsAs === null ? [] : [`by key it counts as ${formatCount(countsAs)}`]
  return [...held, ...baseline, ...chance, ...keys].join('; ')
}
