import type { Registry } from 'prom-client'
import {
  isDecided,
  isMismatched,
  type Comparison,
  type ComparisonVerdict,
} from '../domain/comparison.ts'
import type { MetricReport } from '../domain/verdict.ts'
import { collectGauge } from './collect.ts'
import type { ReadServices } from './service-reading.ts'

const VERDICTS: readonly ComparisonVerdict[] = ['better', 'no-worse', 'worse', 'unknown']

/** Registers what the evidence of experiments says, by challenger. */
export function registerComparisons(registry: Registry, services: ReadServices): void {
  collectGauge(registry, {
    name: 'serin_comparison_verdict',
    help: 'What is known of a challenger by a metric: 1 for the verdict that stands.',
    aggregator: 'first',
    labelNames: ['service', 'variant', 'metric', 'verdict'],
    read: function* () {
      for (const [service, { variant, metrics }] of comparisonsOf(services)) {
        for (const { report, verdict } of metrics) {
          if (verdict === null) continue
          for (const each of VERDICTS) {
            const labels = { service, variant, metric: report.name, verdict: each }
            yield [labels, verdict === each ? 1 : 0]
          }
        }
      }
    },
  })
  collectGauge(registry, {
    name: 'serin_comparison_overall_verdict',
    help: 'What is known of a challenger over all metrics that decide: 1 for the verdict that stands; absent where none decides.',
    aggregator: 'first',
    labelNames: ['service', 'variant', 'verdict'],
    read: function* () {
      for (const [service, { variant, metrics, verdict }] of comparisonsOf(services)) {
        if (!isDecided(metrics.map(({ report }) => report))) continue
        for (const each of VERDICTS) {
          yield [{ service, variant, verdict: each }, verdict === each ? 1 : 0]
        }
      }
    },
  })
  collectGauge(registry, {
    name: 'serin_comparison_value',
    help: 'What a metric reads for a challenger, in its unit.',
    aggregator: 'first',
    labelNames: ['service', 'variant', 'metric'],
    read: function* () {
      for (const [labels, { canary }] of reportsOf(services)) {
        if (canary.value !== null) yield [labels, canary.value]
      }
    },
  })
  collectGauge(registry, {
    name: 'serin_comparison_baseline_value',
    help: 'What a metric reads for the baseline of a challenger, in its unit.',
    aggregator: 'first',
    labelNames: ['service', 'variant', 'metric'],
    read: function* () {
      for (const [labels, { baseline }] of reportsOf(services)) {
        if (baseline.value !== null) yield [labels, baseline.value]
      }
    },
  })
  collectGauge(registry, {
    name: 'serin_comparison_observations',
    help: 'How many observations a value of a challenger or its baseline comes from.',
    aggregator: 'first',
    labelNames: ['service', 'variant', 'metric', 'side'],
    read: function* () {
      for (const [labels, { baseline, canary }] of reportsOf(services)) {
        yield [{ ...labels, side: 'baseline' }, baseline.n]
        yield [{ ...labels, side: 'challenger' }, canary.n]
      }
    },
  })
  collectGauge(registry, {
    name: 'serin_comparison_ratio',
    help: 'A challenger over the baseline: the estimate, and the bounds of its interval; absent where there is none.',
    aggregator: 'first',
    labelNames: ['service', 'variant', 'metric', 'bound'],
    read: function* () {
      for (const [labels, { ratio }] of reportsOf(services)) {
        if (ratio === null) continue
        const { estimate, lower, upper } = ratio
        for (const [bound, value] of Object.entries({ estimate, lower, upper })) {
          if (Number.isFinite(value)) yield [{ ...labels, bound }, value]
        }
      }
    },
  })
  collectGauge(registry, {
    name: 'serin_comparison_log_evidence',
    help: 'Natural logarithm of the evidence that a challenger is worse, no worse, or better.',
    aggregator: 'first',
    labelNames: ['service', 'variant', 'metric', 'direction'],
    read: function* () {
      for (const [service, { variant, metrics }] of comparisonsOf(services)) {
        for (const { report, superiority } of metrics) {
          const { harm, nonInferiority } = report.evidence
          const all = { harm, 'non-inferiority': nonInferiority, superiority }
          for (const [direction, evidence] of Object.entries(all)) {
            if (evidence === null) continue
            yield [{ service, variant, metric: report.name, direction }, evidence.log]
          }
        }
      }
    },
  })
  collectGauge(registry, {
    name: 'serin_comparison_drift_psi',
    help: "How far a challenger's watched distribution lies from the baseline's: population stability index, corrected for its bias.",
    aggregator: 'first',
    labelNames: ['service', 'variant', 'metric'],
    read: function* () {
      for (const [service, { variant, metrics }] of comparisonsOf(services)) {
        for (const { report } of metrics) {
          const { name, drift = null } = report
          if (drift !== null) yield [{ service, variant, metric: name }, drift.psi]
        }
      }
    },
  })
  collectGauge(registry, {
    name: 'serin_comparison_ratio_mismatch',
    help: 'Whether requests are not shared out between a challenger and the baseline as drawn (1 = so).',
    aggregator: 'first',
    labelNames: ['service', 'variant'],
    read: function* () {
      for (const [service, comparison] of comparisonsOf(services)) {
        const { variant } = comparison
        yield [{ service, variant }, isMismatched(comparison) ? 1 : 0]
      }
    },
  })
}

function* comparisonsOf(services: ReadServices): Iterable<readonly [string, Comparison]> {
  for (const { book, experiment } of services()) {
    for (const comparison of experiment?.comparisons ?? []) yield [book.service.name, comparison]
  }
}

type MetricLabels = { readonly service: string; readonly variant: string; readonly metric: string }

function* reportsOf(services: ReadServices): Iterable<readonly [MetricLabels, MetricReport]> {
  for (const [service, { variant, metrics }] of comparisonsOf(services)) {
    for (const { report } of metrics) yield [{ service, variant, metric: report.name }, report]
  }
}
