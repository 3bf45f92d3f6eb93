import { fractionToBp, WHOLE_BP } from '../domain/units.ts'
import type { Checker } from './checker.ts'
import { toFraction } from './fraction.ts'
import type { ConfigPath } from './problem.ts'
import type { RawStep } from './schema-rollout.ts'

/** What a rollout whose only weight is 100 % has no use for, and why. */
const MEANINGLESS = {
  maxDuration: 'it does not run in pauses, and every step before the switch is one',
  onInconclusive: 'nothing is compared before the switch, so nothing can be inconclusive',
} as const

/** Checks a blue-green rollout: pauses in which the canary is previewed, then everybody at once. */
export function checkBlueGreen(checker: Checker, service: ConfigPath): void {
  const rollout = [...service, 'rollout']
  for (const key of checker.keys(rollout))
    if (key in MEANINGLESS)
      checker.problem(
        [...rollout, key],
        `has no meaning with strategy: blue-green: ${MEANINGLESS[key as keyof typeof MEANINGLESS]}`,
      )
  if (checker.keys([...service, 'analysis']).includes('minRequests'))
    checker.problem(
      [...service, 'analysis', 'minRequests'],
      'has no meaning with strategy: blue-green: no step judges requests before it is left',
    )
  const holdback = checker.read<string | 0>([...rollout, 'holdback'])
  if (holdback !== undefined && fractionToBp(toFraction(holdback)) > 0)
    checker.problem(
      [...rollout, 'holdback'],
      `found ${holdback} with strategy: blue-green, which moves everybody at once: a share that stays behind needs strategy: canary`,
    )
  checkSteps(checker, [...rollout, 'steps'])
}

function checkSteps(checker: Checker, path: ConfigPath): void {
  const all = checker.read<readonly RawStep[]>(path)
  if (all === undefined) return
  const steps = all
    .map((step, i) => ({ step, at: [...path, i] }))
    .filter(({ step }) => step.mirror === undefined)
  for (const { step, at } of steps) {
    if (step.weight === undefined) continue
    if (fractionToBp(toFraction(step.weight)) !== WHOLE_BP)
      checker.problem(
        [...at, 'weight'],
        `found ${step.weight}: the only weight of blue-green is 100%, the switch`,
      )
    for (const key of ['minDuration', 'minRequests'] as const)
      if (step[key] !== undefined)
        checker.problem([...at, key], 'has no meaning at the switch, which is left at once')
  }
  const switches = steps.filter(({ step }) => step.weight !== undefined)
  const last = steps.at(-1)
  if (last?.step.weight === undefined || switches.length > 1)
    checker.problem(
      path,
      `found ${switches.length} weights: blue-green has one, and it is the last step: { weight: 100% }`,
    )
  if (!steps.some(({ step }) => step.pause !== undefined))
    checker.problem(
      path,
      'found no pause before the switch: { pause: {} } waits for approval while the canary is previewed',
    )
}
