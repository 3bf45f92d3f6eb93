import type { MethodResult, ScenarioResult } from './repeat.ts'

/** Rollouts from which a median is known well enough to hold a plan against it. */
const PLAN_ROLLOUTS = 200

/** How far the planner may be from what is found, as a share of it. */
const PLAN_TOLERANCE = 0.2

/**
 * What a run shows that must not be: an error rate whose 95 % interval lies wholly above what is promised, a
 * detection that is too slow, a plan that is off by more than it may, a deliberate failure that does not fail.
 */
export function findFaults(scenarios: readonly ScenarioResult[]): readonly string[] {
  return scenarios.flatMap((scenario) =>
    scenario.methods.flatMap((result) =>
      [promise(result), slowness(result), plan(result), failure(result)]
        .filter((fault) => fault !== null)
        .map((fault) => `${scenario.name}: ${result.method}: ${fault}`),
    ),
  )
}

function promise({ promised, lower, acted, rollouts }: MethodResult): string | null {
  if (promised === null || lower <= promised) return null
  return `${acted} of ${rollouts}, promised is at most ${promised}`
}

function slowness({ medianAtMost, p50 }: MethodResult): string | null {
  if (medianAtMost === null || (p50 ?? Infinity) <= medianAtMost) return null
  return `a median of ${p50} requests, at most ${medianAtMost} are wanted`
}

function plan({ planned, p50, p80, rollouts }: MethodResult): string | null {
  if (planned === null || rollouts < PLAN_ROLLOUTS) return null
  const isOff = (at: number, found: number | null) =>
    found === null || Math.abs(at / found - 1) > PLAN_TOLERANCE
  if (!isOff(planned.p50, p50) && !isOff(planned.p80, p80)) return null
  return `planned ${planned.p50} and ${planned.p80} requests, found ${p50} and ${p80}`
}

function failure({ mustFail, lower, acted, rollouts }: MethodResult): string | null {
  return mustFail && lower <= 0.05 ? `does not fail: ${acted} of ${rollouts}` : null
}
