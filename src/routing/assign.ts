import type { Assignment } from '../domain/assignment.ts'
import { BASELINE, CANARY } from '../domain/variant.ts'
import { readField, type RequestFields } from './fields.ts'
import { readNumbers } from './numbers.ts'
import { unitHash } from './rendezvous.ts'
import { isMatch, type Rule } from './rule.ts'
import { readSegment } from './segment.ts'
import type { Split } from './split.ts'
import { coinValue, pick, type Toss } from './toss.ts'

/**
 * Gives a request its variant: an override with its secret, else the first rule that matches, else the key,
 * else a draw. `draw` returns a number in [0, 1), uniform and independent, and is called at most once. Fields
 * are read only when they are needed.
 */
export function assign(split: Split, fields: RequestFields, draw: () => number): Assignment {
  const asked = split.override === null ? null : fields.header(split.override.header)
  if (asked !== null) {
    const variant = split.names.get(asked)
    if (fields.secretMatches(split.override!.secret) && variant !== undefined) {
      return {
        variant,
        reason: 'override',
        unit: null,
        suppressed: false,
        keyMissing: false,
        coinUnreadable: false,
        overrideRefused: false,
        rule: null,
        segment: null,
        numbers: null,
      }
    }
  }
  const overrideRefused = asked !== null
  for (let index = 0; index < split.rules.length; index++) {
    const rule = split.rules[index]!
    if (isMatch(rule, fields))
      return assignByRule(split, rule, index, fields, draw, overrideRefused)
  }
  const key = readKey(split, fields)
  const value = coinValue(split.toss, key)
  return {
    variant: pick(split.toss, key, value, draw),
    reason: key === null ? 'random' : 'key',
    unit: key === null ? null : unitHash(key),
    suppressed: false,
    keyMissing: key === null && split.key !== null,
    coinUnreadable: isUnreadable(split.toss, key, value),
    overrideRefused,
    rule: null,
    segment: readSegment(split.segmentation, fields),
    numbers: readNumbers(split.watched, fields),
  }
}

function assignByRule(
  split: Split,
  rule: Rule,
  index: number,
  fields: RequestFields,
  draw: () => number,
  overrideRefused: boolean,
): Assignment {
  const { then } = rule
  let variant: string
  let keyMissing = false
  let coinUnreadable = false
  if ('variant' in then) {
    variant = then.variant
  } else {
    const key = readKey(split, fields)
    const value = coinValue(then, key)
    keyMissing = key === null && split.key !== null
    coinUnreadable = isUnreadable(then, key, value)
    variant = pick(then, key, value, draw)
  }
  const suppressed = split.suppressCanary && variant === CANARY
  return {
    variant: suppressed ? BASELINE : variant,
    reason: 'rule',
    unit: null,
    suppressed,
    keyMissing,
    coinUnreadable,
    overrideRefused,
    rule: index,
    segment: null,
    numbers: null,
  }
}

function isUnreadable({ cut }: Toss, key: string | null, value: number | null): boolean {
  return cut !== null && key !== null && value === null
}

/**
 * The bytes that assignment sticks to, or null. An empty value or JSON's null names nobody: as a key it would
 * make one unit of everybody who has none, and send them all to one variant together.
 */
function readKey(split: Split, fields: RequestFields): string | null {
  const source = split.key
  if (source === null) return null
  const key = readField(fields, source)
  return key === '' || (key === 'null' && source.from === 'body') ? null : key
}
