import type { FieldSource, RuleCondition, RuleSpec, Service } from '../domain/service.ts'
import { toByteString } from './byte-string.ts'
import { toDecimal } from './decimal.ts'
import { readField, type RequestFields } from './fields.ts'
import { buildToss, type Toss } from './toss.ts'
import { completeWeights } from './weights.ts'

/** A rule made ready: texts as byte strings, its coin computed in advance. */
export type Rule = {
  readonly when: readonly Condition[]
  readonly then: { readonly variant: string } | Toss
}

/** One condition with its texts as byte strings. A field that is absent or cannot be read never matches. */
export type Condition = { readonly field: FieldSource } & (
  | { readonly test: 'is'; readonly value: string }
  | { readonly test: 'in'; readonly values: ReadonlySet<string> }
  | Extract<RuleCondition, { test: 'range' }>
  | { readonly test: 'prefix'; readonly prefix: string }
)

/**
 * Makes the rule at `index` of a service ready. Its weights are a coin of its own: salted with
 * `salt/rule/index`. Throws a RangeError where it names a variant that the service does not have.
 */
export function buildRule(service: Service, spec: RuleSpec, index: number, salt: string): Rule {
  const when = spec.when.map(buildCondition)
  const target = spec.then
  if ('weightsBp' in target) {
    const weightsBp = completeWeights(service, target.weightsBp)
    return { when, then: buildToss(service, weightsBp, `${salt}/rule/${index}`) }
  }
  if (!service.variants.some(({ name }) => name === target.variant)) {
    const known = service.variants.map(({ name }) => name).join(', ')
    throw new RangeError(
      `service ${service.name}: rule ${index} names '${target.variant}': no such variant (known: ${known})`,
    )
  }
  return { when, then: target }
}

/** Whether every condition of a rule holds for a request; fields are read only as far as needed. */
export function isMatch(rule: Rule, fields: RequestFields): boolean {
  for (const condition of rule.when) {
    const value = readField(fields, condition.field)
    if (value === null || !isSatisfied(condition, value)) return false
  }
  return true
}

/** Whether a condition holds for a value (a byte string). A range holds only for numbers in decimal notation. */
export function isSatisfied(condition: Condition, value: string): boolean {
  switch (condition.test) {
    case 'is':
      return value === condition.value
    case 'in':
      return condition.values.has(value)
    case 'prefix':
      return value.startsWith(condition.prefix)
    case 'range': {
      const number = toDecimal(value)
      if (Number.isNaN(number)) return false
      const { gte, gt, lt, lte } = condition
      return (
        (gte === null || number >= gte) &&
        (gt === null || number > gt) &&
        (lt === null || number < lt) &&
        (lte === null || number <= lte)
      )
    }
  }
}

function buildCondition(condition: RuleCondition): Condition {
  switch (condition.test) {
    case 'in':
      return buildIn(condition.field, condition.values.map(toByteString))
    case 'prefix':
      return { ...condition, prefix: toByteString(condition.prefix) }
    case 'range':
      return condition
  }
}

/** Most name one value, which is compared at once: a set would hash the text of every request. */
function buildIn(field: FieldSource, values: readonly string[]): Condition {
  const [value, ...others] = values
  if (value === undefined || others.length > 0)
    return { field, test: 'in', values: new Set(values) }
  return { field, test: 'is', value }
}
