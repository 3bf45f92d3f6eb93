import type { FieldSource, RuleCondition, RuleSpec } from '../domain/service.ts'
import { toByteString } from './byte-string.ts'
import { xxh32 } from './xxh32.ts'

/** Values of a list that a name has; of a longer one it says how many more there are. */
const MOST_VALUES = 4

/**
 * Names of the rules of a service for people and label values, from their conditions alone:
 * `body:/tier = gold, platinum and query:age >= 18 < 30`. Each is another.
 */
export function ruleNames(rules: readonly RuleSpec[]): readonly string[] {
  const names = rules.map(({ when }) =>
    when.length === 0 ? 'everything' : when.map(describeCondition).join(' and '),
  )
  return names.map((name, index) =>
    names.indexOf(name) === index ? name : `${name} (rule ${index})`,
  )
}

/**
 * Knows a rule by its conditions, wherever it stands among the others: an integer from 1 to 2³² − 1. A rule
 * with the conditions of an earlier one never matches.
 */
export function ruleId({ when }: RuleSpec): number {
  return Math.max(1, xxh32(toByteString(JSON.stringify(when)), 0))
}

/**
 * Knows what a version of a variant did for a rule (its id; 0 = no rule matched): an integer from 0 to 2³² − 1.
 */
export function ruledId(rule: number, variant: string, version: string): number {
  return xxh32(toByteString(JSON.stringify([variant, version])), rule)
}

function describeCondition(condition: RuleCondition): string {
  const field = describeField(condition.field)
  switch (condition.test) {
    case 'in': {
      const { values } = condition
      const more = values.length - MOST_VALUES
      const rest = more > 0 ? ` and ${more} more` : ''
      return `${field} = ${values.slice(0, MOST_VALUES).join(', ')}${rest}`
    }
    case 'prefix':
      return `${field} = ${condition.prefix}*`
    case 'range': {
      const { gte, gt, lt, lte } = condition
      const bounds = Object.entries({ '>=': gte, '>': gt, '<': lt, '<=': lte })
        .filter(([, bound]) => bound !== null)
        .map(([sign, bound]) => `${sign} ${bound}`)
      return `${field} ${bounds.join(' ')}`
    }
  }
}

function describeField(source: FieldSource): string {
  switch (source.from) {
    case 'body':
      return `body:${source.pointer}`
    case 'ip':
      return 'ip'
    default:
      return `${source.from}:${source.name}`
  }
}
