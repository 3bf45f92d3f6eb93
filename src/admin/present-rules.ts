import type { RuleSpec, Service, SplitSpec } from '../domain/service.ts'
import { bpToPercent, WHOLE_BP } from '../domain/units.ts'
import { BASELINE } from '../domain/variant.ts'
import { ruleNames } from '../routing/rule-name.ts'
import type { RuleJson } from './present.ts'
import type { RuleStatus } from './service-status.ts'

/** Builds what is said of a service's rules: whom each names, and what its requests came to. */
export function presentRules(
  { split }: Service,
  rules: readonly RuleStatus[],
): readonly RuleJson[] {
  if (rules.length === 0) return []
  // By their names: figures that were gathered before a reload may be those of other rules.
  const weights = new Map(
    ruleNames(split.rules).map((name, i) => [name, weightsOf(split.rules[i]!)]),
  )
  return rules.map(({ rule, variants }) => ({
    rule,
    weights: rule === null ? null : (weights.get(rule) ?? null),
    variants,
  }))
}

/** Which rules send requests to a variant, at least some of those that match. */
export function rulesTo({ rules }: SplitSpec, variant: string): readonly string[] {
  return ruleNames(rules).filter((_, i) => variant in weightsOf(rules[i]!))
}

/** A rule's weights in percent, of the variants that get something. */
export function weightsOf({ then }: RuleSpec): Record<string, number> {
  if ('variant' in then) return { [then.variant]: 100 }
  const given = Object.entries(then.weightsBp)
  const rest = given.reduce((left, [, weightBp]) => left - weightBp, WHOLE_BP)
  const shares = [[BASELINE, rest] as const, ...given].filter(([, weightBp]) => weightBp > 0)
  return Object.fromEntries(shares.map(([name, weightBp]) => [name, bpToPercent(weightBp)]))
}
