import type { Test } from 'tap'
import { readAnswers } from '../../support/strict-answers.ts'
import { CLIENT_CASES, runClientCase } from './fuzz-client-side.ts'
import { runUpstreamCase, UPSTREAM_CASES } from './fuzz-upstream-side.ts'
import { startHostileUpstream, type HostileAnswer } from './hostile-upstream.ts'
import { runCases } from './run-cases.ts'
import { startStage, type Stage } from './stage.ts'

/** What to run: cases of one seed. */
export type Plan = { readonly seed: number; readonly count: number }

/** Runs cases on one stage. */
export type Fuzz = {
  readonly stage: Stage
  readonly run: (plan: Plan) => Promise<readonly string[]>
}

/** Mutated requests to a gateway in front of a well-behaved upstream. */
export async function startClientFuzz(t: Test): Promise<Fuzz> {
  const stage = await startStage(t, null)
  return {
    stage,
    run: async (plan) => {
      const faults = await runCases(CLIENT_CASES, plan, (one) => runClientCase(stage, one))
      return [...faults, ...stage.smuggled().map((seen) => `the upstream saw ${seen}`)]
    },
  }
}

/** Well-behaved requests to a gateway in front of an upstream with mutated answers. */
export async function startUpstreamFuzz(t: Test): Promise<Fuzz> {
  const plans = new Map<string, HostileAnswer>()
  const upstream = await startHostileUpstream(plans, (bytes, method) => {
    return readAnswers(bytes, [method], false).answers[0]?.end ?? Infinity
  })
  t.teardown(upstream.close)
  const stage = await startStage(t, upstream)
  return {
    stage,
    run: async (plan) => {
      const run = (one: Parameters<typeof runUpstreamCase>[2]) => runUpstreamCase(stage, plans, one)
      return [...(await runCases(UPSTREAM_CASES, plan, run)), ...stage.smuggled()]
    },
  }
}

/** Runs the cases of one seed and asks for every invariant; see docs/abuse.md. */
export async function checkFuzz(t: Test, { stage, run }: Fuzz, plan: Plan): Promise<void> {
  t.comment(`SERIN_FUZZ_SEED=${plan.seed} SERIN_FUZZ_COUNT=${plan.count}`)
  t.same(await run(plan), [], 'well-formed, in time, to the right client')
  t.same(await stage.finish(), [], 'nothing is left over, and nobody else was harmed')
  t.ok(stage.answered() > 0, `${stage.answered()} right answers for the well-behaved`)
}
