import type { Registry } from 'prom-client'
import { collectCounter, collectGauge } from './collect.ts'
import { registerHistogram } from './histogram-collector.ts'
import type { RuleBook, RuleFigures } from './rule-book.ts'
import type { ReadServices } from './service-reading.ts'

/** How requests that no rule matched are labelled. */
const NO_RULE = 'none'

const LABELS = ['service', 'rule', 'variant']

/**
 * Registers what the rules of key splits came to. Each rule has requests of its own, so these figures stand
 * beside each other and are no comparison. At most (rules + 1) × variants series of each, from the
 * configuration.
 */
export function registerRules(registry: Registry, services: ReadServices): void {
  collectCounter(registry, {
    name: 'serin_rule_requests_total',
    help: 'Requests by the rule that matched them (none: a draw decided) and the variant that was assigned.',
    labelNames: LABELS,
    read: function* () {
      for (const { labels, figures } of figuresOf(services)) yield [labels, figures.requests]
    },
  })
  collectCounter(registry, {
    name: 'serin_rule_errors_total',
    help: 'Those of them that failed or had no answer.',
    labelNames: LABELS,
    read: function* () {
      for (const { labels, figures } of figuresOf(services)) yield [labels, figures.errors]
    },
  })
  registerHistogram(
    registry,
    'serin_rule_duration_seconds',
    'From the request to the end of its answer, by rule.',
    function* () {
      for (const { labels, figures } of figuresOf(services)) {
        yield { labels, buckets: figures.durations }
      }
    },
    LABELS,
  )
  collectGauge(registry, {
    name: 'serin_rule_metric_value',
    help: 'What a metric of labels reads for them, in its unit.',
    // Labels come to the process that decides.
    aggregator: 'first',
    labelNames: [...LABELS, 'metric'],
    read: function* () {
      for (const { labels, figures, rules } of figuresOf(services)) {
        for (const metric of rules.metrics) {
          const score = figures.scoreOf(metric)
          if (score !== null) yield [{ ...labels, metric: metric.name }, score.value]
        }
      }
    },
  })
}

function* figuresOf(services: ReadServices): Iterable<{
  readonly labels: Readonly<Record<string, string>>
  readonly figures: RuleFigures
  readonly rules: RuleBook
}> {
  for (const { book } of services()) {
    const { rules, service } = book
    for (const { name, byVariant } of rules?.places() ?? []) {
      for (const [variant, figures] of byVariant) {
        const labels = { service: service.name, rule: name ?? NO_RULE, variant }
        yield { labels, figures, rules: rules! }
      }
    }
  }
}
