import { fractionToBp, WHOLE_BP } from '../domain/units.ts'
import { findNearest } from '../domain/nearest.ts'
import { BASELINE, CANARY } from '../domain/variant.ts'
import { checkBlueGreen } from './check-blue-green.ts'
import { checkHoldback } from './check-holdback.ts'
import { checkIdempotent } from './check-mirrors.ts'
import { checkTimers } from './check-timers.ts'
import type { Checker } from './checker.ts'
import { toFraction } from './fraction.ts'
import type { ConfigPath } from './problem.ts'
import type { RawStep } from './schema-rollout.ts'

/** Checks a service's rollout: that there is a canary to move, and steps that lead to 100 %. */
export function checkRollout(checker: Checker, service: ConfigPath): void {
  const rollout = [...service, 'rollout']
  if (!checker.keys(service).includes('rollout')) return
  const variants = [...service, 'variants']
  const names = checker.keys(variants).map(String)
  if (checker.keys(service).includes('variants') && !names.includes(CANARY))
    checker.problem(rollout, `moves the variant \`canary\`, ${explainAbsence(names)}`)
  checkTimers(checker, [...service, 'analysis'], ['interval'])
  checkBreaker(checker, [...service, 'analysis', 'breaker', 'failures'])
  checkGates(checker, rollout)
  checkMirrorSteps(checker, service, [...rollout, 'steps'])
  // Blue-green steps have a form of their own.
  const strategy = checker.read<string>([...rollout, 'strategy']) ?? 'canary'
  if (strategy === 'blue-green') {
    checkBlueGreen(checker, service)
  } else {
    checkSteps(checker, [...rollout, 'steps'])
    checkHoldback(checker, rollout)
  }
}

// Every canary fails that often, also one that never does.
function checkBreaker(checker: Checker, path: ConfigPath): void {
  const failures = checker.read<string | 0>(path)
  if (failures !== undefined && toFraction(failures) === 0)
    checker.problem(
      path,
      `found ${failures}: every canary would be rolled back after 50 requests, also one that never fails; allowed is a share above 0% such as 50%`,
    )
}

function explainAbsence(names: readonly string[]): string {
  const others = names.filter((name) => name !== BASELINE)
  const meant = others.find((name) => findNearest(name, [CANARY]) !== null)
  return meant === undefined
    ? 'but variants has none of that name: without a canary, `rollout` must go too'
    : `but variants has none of that name: did you mean "canary" where it says "${meant}"?`
}

function checkGates(checker: Checker, rollout: ConfigPath): void {
  for (const i of checker.keys([...rollout, 'steps'])) {
    const at = [...rollout, 'steps', i]
    const step = checker.read<RawStep>(at)
    if (step === undefined) continue
    for (const key of step.pause === undefined ? [] : (['minDuration', 'minRequests'] as const))
      if (step[key] !== undefined)
        checker.problem([...at, key], 'has no meaning in a pause: it belongs to a weight step')
    for (const key of step.mirror === undefined ? (['maxBody', 'tolerance'] as const) : [])
      if (step[key] !== undefined)
        checker.problem([...at, key], 'has a meaning in a mirror step alone')
  }
}

/** Copies must do no harm, go to somebody who does not get them already, and come before any weight. */
function checkMirrorSteps(checker: Checker, service: ConfigPath, steps: ConfigPath): void {
  const all = checker.read<readonly RawStep[]>(steps) ?? []
  const first = all.findIndex((step) => step.weight !== undefined)
  const mirrors = all.flatMap((step, i) => (step.mirror === undefined ? [] : [i]))
  if (mirrors.length === 0) return
  const at = [...steps, mirrors[0]!, 'mirror']
  for (const i of mirrors)
    if (first !== -1 && i > first)
      checker.problem(
        [...steps, i, 'mirror'],
        'comes after a weight, where the canary answers users already: mirrors come first',
      )
  checkIdempotent(checker, service, at)
  const standing = [...service, 'mirror']
  for (const i of checker.keys(standing))
    if (checker.read<string>([...standing, i, 'to']) === CANARY)
      checker.problem(
        [...standing, i, 'to'],
        'found "canary", which a step of the rollout mirrors to: it would get every copy twice',
      )
}

function checkSteps(checker: Checker, path: ConfigPath): void {
  const all = checker.read<readonly RawStep[]>(path)
  if (all === undefined) return
  const steps = all
    .map((step, i) => ({ step, at: [...path, i] }))
    .filter(({ step }) => step.mirror === undefined)
  const weights = steps.flatMap(({ step: { weight }, at }) =>
    weight === undefined ? [] : [{ weight, bp: fractionToBp(toFraction(weight)), at }],
  )

  const first = all[0]
  if (first?.pause !== undefined)
    checker.problem([...path, 0], 'is a pause: the first step of a canary has a weight or a mirror')
  for (const [i, { weight, bp, at }] of weights.entries()) {
    const before = weights[i - 1]
    if (bp === 0)
      checker.problem([...at, 'weight'], `found ${weight}: a step gives the canary some traffic`)
    else if (before !== undefined && bp <= before.bp)
      checker.problem(
        [...at, 'weight'],
        `found ${weight} after ${before.weight}: weights must rise from step to step`,
      )
  }
  const last = steps.at(-1)
  if (last !== undefined && (last.step.weight === undefined || weights.at(-1)!.bp !== WHOLE_BP))
    checker.problem(last.at, 'is the last step, which must be { weight: 100% }')
  if (!weights.some(({ bp }) => bp > 0 && bp < WHOLE_BP))
    checker.problem(path, 'found no weight below 100%: at least one must come before it')
}
