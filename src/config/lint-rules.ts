import type { RuleCondition, RuleSpec, Service } from '../domain/service.ts'
import type { Finding } from './problem.ts'

/** Rules that never match, since an earlier one takes all of their requests: the first that matches decides. */
export function lintRules({ name, split: { rules } }: Service): readonly Finding[] {
  return rules.flatMap((rule, i) => {
    const earlier = rules.slice(0, i).findIndex((each) => takesAllOf(rule, each))
    if (earlier === -1) return []
    const path = ['services', name, 'split', 'rules', i]
    const message = `never matches: rules[${earlier}] comes first, and takes all of its requests`
    return [{ path, message }]
  })
}

function takesAllOf(rule: RuleSpec, earlier: RuleSpec): boolean {
  return earlier.when.every((wide) => rule.when.some((narrow) => isWithin(narrow, wide)))
}

/** Whether each value that meets one condition meets the other. */
function isWithin(narrow: RuleCondition, wide: RuleCondition): boolean {
  if (JSON.stringify(narrow.field) !== JSON.stringify(wide.field)) return false
  if (narrow.test === 'in' && wide.test === 'in')
    return narrow.values.every((value) => wide.values.includes(value))
  if (wide.test === 'prefix' && narrow.test !== 'range') {
    const texts = narrow.test === 'in' ? narrow.values : [narrow.prefix]
    return texts.every((text) => text.startsWith(wide.prefix))
  }
  return JSON.stringify(narrow) === JSON.stringify(wide)
}
