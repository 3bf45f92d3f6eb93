import type { RuleJson, ServiceJson } from '../admin/present.ts'
import { formatCount, formatNumber, formatValue } from '../rollout/format.ts'
import { renderWeights } from './render-command.ts'
import { renderTable, wrap, type Cell, type Style } from './render.ts'

/** Builds the lines of `status` about a key split: below each rule a row for each variant that answered. */
export function renderRules(
  { rules }: Pick<ServiceJson, 'rules'>,
  style: Style,
): readonly string[] {
  const seen = rules.filter(({ rule, variants }) => rule !== null || isAnswered(variants))
  if (seen.length === 0) return []
  const figures = seen.flatMap(({ variants }) => Object.values(variants))
  const metrics = [...new Set(figures.flatMap((each) => Object.keys(each.metrics)))]
  const head = ['  by rule', 'requests', 'errors', 'p50', 'p95', ...metrics]
  const blocks = seen.map(({ rule, weights, variants }) => ({
    name: wrap(describeRule(rule, weights), style.width - 2).map((line) => `  ${line}`),
    rows: isAnswered(variants) ? variantRows(variants, metrics) : [['    no request yet']],
  }))
  const [headLine, ...lines] = renderTable(
    [head.map((text) => ({ text, paint: style.dim })), ...blocks.flatMap(({ rows }) => rows)],
    `<>>>>${'>'.repeat(metrics.length)}`,
    style,
  )
  let next = 0
  return [
    headLine!,
    ...blocks.flatMap(({ name, rows }) => [...name, ...lines.slice(next, (next += rows.length))]),
  ]
}

/** A rule with whom it sends requests to. */
export function describeRule(rule: string | null, weights: RuleJson['weights']): string {
  if (rule === null) return 'no rule: drawn'
  // An older gateway leaves it out.
  if (weights == null) return rule
  const [only, ...others] = Object.keys(weights)
  return `${rule} -> ${others.length === 0 ? only : renderWeights(weights)}`
}

function isAnswered(variants: RuleJson['variants']): boolean {
  return Object.keys(variants).length > 0
}

function variantRows(variants: RuleJson['variants'], metrics: readonly string[]): Cell[][] {
  return Object.entries(variants).map(([variant, each]) => [
    `    ${variant}`,
    formatCount(each.requests),
    formatCount(each.errors),
    latency(each.p50Ms),
    latency(each.p95Ms),
    ...metrics.map((metric) => {
      const found = each.metrics[metric]
      return found === undefined ? '-' : `${formatNumber(found.value)} (n ${formatCount(found.n)})`
    }),
  ])
}

function latency(ms: number | null): string {
  return ms === null ? '-' : formatValue('latency', ms)
}
