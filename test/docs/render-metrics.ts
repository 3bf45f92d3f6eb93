import type { MetricDescription } from '../../src/metrics/registry.ts'
import { code, table } from './markdown.ts'

/** Writes what Prometheus can be told as a page. */
export function renderMetrics(metrics: readonly MetricDescription[]): string {
  return [
    '# Metrics of serin',
    'Every series of `GET /metrics`, made from the registry by `npm run docs:metrics`. Rules, alerts and a dashboard over them: [monitoring.md](monitoring.md). The metrics that a rollout is judged by are another thing: [metrics.md](metrics.md).',
    `Label values come from the configuration or from fixed lists of words, never from requests: \`code\` is the status of the answer where it is one of HTTP (100–599), else \`other\`; that of \`serin_refused_total\` is the one in \`x-serin-error\`. Histograms have \`_bucket\` (with \`le\`), \`_sum\` and \`_count\`. Counters begin with 0 when the process does. There is no series before there is something to say: no \`serin_rollout_*\` without a rollout, no \`serin_drift_psi\` and no \`serin_comparison_drift_psi\` before there are bins.`,
    table(
      ['metric', 'type', 'unit', 'labels', 'meaning'],
      metrics
        .toSorted((a, b) => (a.name < b.name ? -1 : 1))
        .map(({ name, type, labels, help }) => [
          code(name),
          type,
          unitOf(name, type),
          labels.map(code).join(' '),
          help,
        ]),
    ),
  ].join('\n\n')
}

/** As Prometheus has it: the unit is the last word of the name, but for `total` and `info`. */
function unitOf(name: string, type: string): string {
  if (/_seconds(?:_total)?$/.test(name)) return 'seconds'
  return type === 'counter' ? 'count' : (UNITS[name] ?? '0 or 1')
}

/** What a gauge without a unit in its name is; all others are 0 or 1. */
const UNITS: Readonly<Record<string, string>> = {
  serin_comparison_baseline_value: "the metric's",
  serin_comparison_drift_psi: 'none',
  serin_comparison_log_evidence: 'nats',
  serin_comparison_observations: 'count',
  serin_comparison_ratio: 'none',
  serin_comparison_value: "the metric's",
  serin_drift_psi: 'none',
  serin_in_flight: 'count',
  serin_metric_log_evidence: 'nats',
  serin_metric_log_evidence_threshold: 'nats',
  serin_metric_value: "the metric's",
  serin_mirror_in_flight: 'count',
  serin_replicas: 'count',
  serin_rollout_step: 'count',
  serin_rule_metric_value: "the metric's",
  serin_variant_weight: 'fraction',
}
