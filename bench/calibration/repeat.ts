import { clopperPearson } from './clopper-pearson.ts'
import { createStream } from './random.ts'
import type { Finding, Question, Scenario } from './scenario.ts'

/** What one method did in one scenario. */
export type MethodResult = {
  readonly method: string
  readonly rollouts: number
  /** Rollouts in which it acted. */
  readonly acted: number
  /** 95 % interval of that probability (Clopper–Pearson). */
  readonly lower: number
  readonly upper: number
  /** Requests of both sides after which half, and four of five, of all rollouts had been acted on; null = fewer were. */
  readonly p50: number | null
  readonly p80: number | null
  readonly promised: number | null
  readonly mustFail: boolean
  /** Requests of both sides, as the planner says. */
  readonly planned: { readonly p50: number; readonly p80: number } | null
  readonly medianAtMost: number | null
}

export type ScenarioResult = {
  readonly name: string
  readonly title: string
  readonly question: Question
  readonly methods: readonly MethodResult[]
}

/** Runs a scenario so often; the same seed gives the same result, whatever else is run. */
export function repeat(scenario: Scenario, rollouts: number, seed: number): ScenarioResult {
  const findings = Array.from({ length: rollouts }, (_, i) =>
    scenario.run(createStream(`${seed}/${scenario.name}/${i}`)),
  )
  const { name, title, question } = scenario
  const methods = Object.keys(findings[0]!).map((method) => summarise(scenario, method, findings))
  return { name, title, question, methods }
}

function summarise(
  { promises, mustFail, plans, medianAtMost }: Scenario,
  method: string,
  findings: readonly Finding[],
): MethodResult {
  const times = findings.map((finding) => finding[method] ?? Infinity).toSorted((a, b) => a - b)
  const acted = times.filter(Number.isFinite).length
  const at = (share: number) => {
    const time = times[Math.ceil(share * times.length) - 1]!
    return Number.isFinite(time) ? time : null
  }
  const plan = plans?.[method]
  return {
    method,
    rollouts: times.length,
    acted,
    ...clopperPearson(acted, times.length),
    p50: at(0.5),
    p80: at(0.8),
    promised: promises?.[method] ?? null,
    mustFail: mustFail?.includes(method) ?? false,
    planned: plan === undefined ? null : { p50: plan.p50.requests, p80: plan.p80.requests },
    medianAtMost: medianAtMost?.[method] ?? null,
  }
}
