import { fractionToBp, WHOLE_BP } from '../domain/units.ts'
import { BASELINE } from '../domain/variant.ts'
import type { Checker } from './checker.ts'
import { toFraction } from './fraction.ts'
import { suggest } from '../domain/nearest.ts'
import type { ConfigPath } from './problem.ts'
import type { RawCondition } from './schema-split.ts'

/** Checks a service's fixed weights and rules: known variants, sums, and conditions that can hold. */
export function checkSplit(checker: Checker, service: ConfigPath): void {
  const split = [...service, 'split']
  const weights = [...split, 'weights']
  checkWeights(checker, service, weights)
  if (checker.keys(split).includes('weights') && checker.keys(service).includes('rollout'))
    checker.problem(
      weights,
      'found together with rollout, which moves the weights by itself: keep one of the two',
    )
  checkCoin(checker, split)
  for (const i of checker.keys([...split, 'rules'])) {
    const rule = [...split, 'rules', i]
    const variant = checker.read<string>([...rule, 'variant'])
    if (variant !== undefined) checkVariant(checker, service, [...rule, 'variant'], variant)
    checkWeights(checker, service, [...rule, 'weights'])
    for (const field of checker.keys([...rule, 'when']))
      checkCondition(checker, [...rule, 'when', field])
  }
}

function checkCoin(checker: Checker, split: ConfigPath): void {
  const coin = [...split, 'coin']
  if (checker.read<string>(coin) !== 'value') return
  const key = checker.read<string>([...split, 'key'])
  if (key === undefined)
    checker.problem(
      coin,
      'found value, but there is no key whose value it could be: name split.key',
    )
  else if (key === 'ip')
    checker.problem(coin, 'found value, but the key is ip, and an address is no number from 0 to 1')
}

function checkWeights(checker: Checker, service: ConfigPath, path: ConfigPath): void {
  const names = checker.keys(path).map(String)
  for (const name of names) checkVariant(checker, service, [...path, name], name)
  const weights = checker.read<Readonly<Record<string, string | 0>>>(path)
  if (weights === undefined) return
  const sumBp = Object.values(weights).reduce<number>(
    (sum, weight) => sum + fractionToBp(toFraction(weight)),
    0,
  )
  const sum = `${sumBp / 100}%`
  if (names.includes(BASELINE) && sumBp !== WHOLE_BP)
    checker.problem(
      path,
      `found a sum of ${sum}: with the baseline named it must be 100% (leave it out to give it the rest)`,
    )
  else if (sumBp > WHOLE_BP) checker.problem(path, `found a sum of ${sum}, allowed is at most 100%`)
}

/** Reports a name that is no variant of the service. */
export function checkVariant(
  checker: Checker,
  service: ConfigPath,
  path: ConfigPath,
  variant: string,
): void {
  const names = checker.keys([...service, 'variants']).map(String)
  // A missing baseline has been reported as that.
  if (variant === BASELINE || names.includes(variant)) return
  checker.problem(
    path,
    `found "${variant}", which is no variant of this service${suggest(variant, names)} (allowed: ${names.join(', ')})`,
  )
}

function checkCondition(checker: Checker, path: ConfigPath): void {
  const condition = checker.read<RawCondition>(path)
  if (condition === undefined) return
  if ('length' in condition) checkValues(checker, path, condition)
  else checkRange(checker, path, condition)
}

type Values = Extract<RawCondition, readonly unknown[]>
type Range = Exclude<RawCondition, Values>

/** Values are compared as text, so YAML must not have changed how they were written (`1.0`, `007`). */
function checkValues(checker: Checker, path: ConfigPath, values: Values): void {
  for (const [i, value] of values.entries()) {
    const source = checker.sourceOf([...path, i])
    if (typeof value !== 'string' && source !== null && source !== String(value))
      checker.problem(
        [...path, i],
        `found ${source}, which YAML reads as ${value}: put it in quotes`,
      )
  }
}

function checkRange(checker: Checker, path: ConfigPath, range: Range): void {
  const { gte, gt, lt, lte, prefix } = range
  const bounds = [gte, gt, lt, lte].filter((bound) => bound !== undefined)
  const low = gte ?? gt
  const high = lte ?? lt
  if (prefix !== undefined && bounds.length > 0)
    checker.problem(path, 'found a prefix and a range: allowed is one of the two')
  else if (gte !== undefined && gt !== undefined)
    checker.problem(path, 'found gte and gt: allowed is one of the two')
  else if (lte !== undefined && lt !== undefined)
    checker.problem(path, 'found lte and lt: allowed is one of the two')
  else if (low !== undefined && high !== undefined) {
    const isOpen = gt !== undefined || lt !== undefined
    if (low > high || (low === high && isOpen))
      checker.problem(path, `found a range from ${low} to ${high}, in which no number lies`)
  }
}
