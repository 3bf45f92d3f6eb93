import type { FaultPlan } from './fault.ts'
import type { ModelKind } from './train-model.ts'

/** One service of the demo: the canary it is given, and how its rollout should end. */
export type Scenario = {
  readonly service: string
  /** For people: what is going on, at most 60 characters. */
  readonly story: string
  readonly canary: {
    readonly kind: ModelKind
    readonly skewed: boolean
    readonly fault: FaultPlan | null
  }
  readonly expected:
    | { readonly ending: 'promoted' }
    /** `because`: how the decision's reason must begin. `afterFault`: not before the server broke. */
    | {
        readonly ending: 'rolled-back'
        readonly because: readonly string[]
        readonly afterFault: boolean
      }
}

/** How fast and how long the demo runs. */
export type DemoPace = {
  /** Requests per second and service. */
  readonly rate: number
  /** Minimum time of a step, in seconds. */
  readonly stepSeconds: number
  /** Canary units judged before a step is left. */
  readonly minRequests: number
  /** Time at 100 % before the promotion is final, in seconds. */
  readonly watchSeconds: number
  /** When the demo gives up, in milliseconds: on a start, and on rollouts from the first request. */
  readonly limits: { readonly startMs: number; readonly rolloutMs: number }
}

const BETTER: Scenario = {
  service: 'mpg-better',
  story: 'the canary is the better model',
  canary: { kind: 'forest', skewed: false, fault: null },
  expected: { ending: 'promoted' },
}

const SKEWED: Scenario = {
  service: 'mpg-skewed',
  story: 'the same model, served with the weight in kg: all answers 200',
  canary: { kind: 'forest', skewed: true, fault: null },
  expected: { ending: 'rolled-back', because: ['rmse'], afterFault: false },
}

const FAILING: Scenario = {
  service: 'mpg-failing',
  story: 'the same model, whose server starts to fail',
  canary: { kind: 'forest', skewed: false, fault: { afterMs: 22_000, share: 0.8 } },
  expected: { ending: 'rolled-back', because: ['errors', 'breaker'], afterFault: true },
}

/** The services of a run: all three stories, or one promotion and one rollback. */
export function buildScenarios(quick: boolean): readonly Scenario[] {
  return quick ? [BETTER, SKEWED] : [BETTER, SKEWED, FAILING]
}

/** The pace of a run. */
export function buildPace(quick: boolean): DemoPace {
  const limits = { startMs: 30_000, rolloutMs: 130_000 }
  return quick
    ? { rate: 250, stepSeconds: 3, minRequests: 50, watchSeconds: 3, limits }
    : { rate: 200, stepSeconds: 5, minRequests: 100, watchSeconds: 5, limits }
}
