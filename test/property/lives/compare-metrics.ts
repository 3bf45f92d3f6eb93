import type { ServiceJson } from '../../../src/admin/present.ts'

/** What `/metrics` says otherwise of a service than the API does at the same moment, a sentence each. */
export function compareMetrics(service: ServiceJson, text: string): readonly string[] {
  const lines = text.split('\n').filter((line) => line.includes(`service="${service.name}"`))
  return [...compareErrors(service, lines), ...compareSums(service, lines)]
}

function compareErrors({ variants }: ServiceJson, lines: readonly string[]): readonly string[] {
  return Object.entries(variants).flatMap(([variant, { errors }]) => {
    const countOf = (outcome: string) =>
      sumOf(lines, 'serin_requests_total', [`variant="${variant}"`, outcome])
    const exposed = ERRORS.reduce((sum, outcome) => sum + countOf(outcome), 0)
    if (exposed === errors) return []
    return [`errors of ${variant} are ${exposed} by /metrics, ${errors} by the API`]
  })
}

function compareSums(service: ServiceJson, lines: readonly string[]): readonly string[] {
  return expectedOf(service).flatMap(([series, labels, value]) => {
    const exposed = sumOf(lines, series, labels)
    const isSame = Math.abs(exposed - value) <= 1e-9 * Math.max(1, Math.abs(value))
    if (isSame) return []
    return [`${series} ${labels.join()} is ${exposed} by /metrics, ${value} by the API`]
  })
}

/** What are errors to the API, by their outcomes in `/metrics`. */
const ERRORS = ['outcome="failed"', 'outcome="no_answer"'] as const

/** What all series of a name with these labels come to, of these lines of `/metrics`. */
export function sumOf(
  lines: readonly string[],
  series: string,
  labels: readonly string[] = [],
): number {
  const found = lines.filter((line) => {
    const isIt = line.startsWith(`${series}{`)
    return isIt && labels.every((label) => line.includes(label))
  })
  return found.reduce((sum, line) => sum + valueOf(line), 0)
}

/** Samples that are no number. */
export function spoiltSamples(text: string): readonly string[] {
  return text.split('\n').filter((line) => line.startsWith('serin_') && isNaN(valueOf(line)))
}

/** Sums over all series with these labels. */
type Expected = readonly [series: string, labels: readonly string[], value: number]

function expectedOf(service: ServiceJson): readonly Expected[] {
  const { weights, variants, phase, step, metrics, pause, comparisons } = service
  return [
    ...Object.entries(weights).map(([variant, weight]): Expected => {
      return ['serin_variant_weight', [`variant="${variant}"`], weight / 100]
    }),
    ...Object.entries(variants).flatMap(
      ([variant, { requests, inFlight, healthy }]): Expected[] => {
        const of = [`variant="${variant}"`]
        return [
          ['serin_requests_total', of, requests],
          ['serin_in_flight', of, inFlight],
          ['serin_upstream_healthy', of, healthy],
        ]
      },
    ),
    ...(phase === null
      ? []
      : [
          ['serin_rollout_phase', [`phase="${phase}"`], 1] as const,
          ['serin_rollout_phase', [], 1] as const,
          ['serin_rollout_pause', [], pause === null ? 0 : 1] as const,
          ...(pause === null ? [] : [['serin_rollout_pause', [`by="${pause.by}"`], 1] as const]),
        ]),
    ...(step === null ? [] : [['serin_rollout_step', [], step.index] as const]),
    ...metrics.flatMap(({ name, verdict, baseline, canary, evidence }): Expected[] => {
      const of = [`metric="${name}"`]
      return [
        ['serin_metric_verdict', of, 1],
        ['serin_metric_verdict', [...of, `verdict="${verdict}"`], 1],
        ['serin_metric_value', [...of, 'variant="baseline"'], baseline.value ?? 0],
        ['serin_metric_value', [...of, 'variant="canary"'], canary.value ?? 0],
        ...(evidence.harm?.log == null
          ? []
          : [
              [
                'serin_metric_log_evidence',
                [...of, 'direction="harm"'],
                evidence.harm.log,
              ] as const,
            ]),
      ]
    }),
    ...comparisons.flatMap(({ variant, metrics: compared }) =>
      compared.flatMap(({ name, comparison, canary }): Expected[] => {
        const of = [`variant="${variant}"`, `metric="${name}"`]
        return [
          ['serin_comparison_value', of, canary.value ?? 0],
          ...(comparison === null
            ? []
            : [['serin_comparison_verdict', [...of, `verdict="${comparison}"`], 1] as const]),
        ]
      }),
    ),
  ]
}

function valueOf(line: string): number {
  const value = line.slice(line.lastIndexOf(' ') + 1)
  return value === '+Inf' ? Infinity : value === '-Inf' ? -Infinity : Number(value)
}
