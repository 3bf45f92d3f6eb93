import { fractionToBp, parseDuration, WHOLE_BP } from '../domain/units.ts'
import type { Checker } from './checker.ts'
import { toFraction } from './fraction.ts'
import type { ConfigPath } from './problem.ts'
import type { RawStep } from './schema-rollout.ts'

/** Checks what is held back in the watch: that there is a watch, and that nobody goes back for it. */
export function checkHoldback(checker: Checker, rollout: ConfigPath): void {
  const at = [...rollout, 'holdback']
  const holdback = checker.read<string | 0>(at)
  if (holdback === undefined) return
  const heldBp = fractionToBp(toFraction(holdback))
  if (heldBp === 0) return
  const watch = checker.read<string | 0>([...rollout, 'watch'])
  if (watch !== undefined && parseDuration(String(watch)) === 0)
    checker.problem(at, `found ${holdback} with watch: 0: a holdback lasts as long as the watch`)
  const weights = (checker.read<readonly RawStep[]>([...rollout, 'steps']) ?? [])
    .flatMap(({ weight }) => weight ?? [])
    .filter((weight) => fractionToBp(toFraction(weight)) < WHOLE_BP)
  const last = weights.at(-1)
  if (last === undefined) return
  const mostBp = WHOLE_BP - fractionToBp(toFraction(last))
  if (heldBp >= mostBp)
    checker.problem(
      at,
      `found ${holdback}: it must be less than ${mostBp / 100}%, since the step before the watch gives the canary ${last} and weights must rise`,
    )
}
