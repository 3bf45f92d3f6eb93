import type { Plan } from '../../src/statistics/planner.ts'
import type { Random } from './random.ts'

/** Requests (both sides) after which each method acted in one rollout; null = it never did. */
export type Finding = Readonly<Record<string, number | null>>

/** What a scenario asks. */
export type Question =
  /** The canary is as good as the baseline: acting is a false rollback. */
  | 'false-rollback'
  /** The canary is at the margin: acting is a false promotion. */
  | 'false-promotion'
  /** The canary is worse: acting finds it. */
  | 'detection'
  /** The canary is as good, and it is to be proved within the margin. */
  | 'proof'

/** One simulated situation. */
export type Scenario = {
  readonly name: string
  /** For readers: the situation in one line. */
  readonly title: string
  readonly question: Question
  /** Rollouts of a full and of a quick run. */
  readonly rollouts: readonly [full: number, quick: number]
  /** α that each of these methods promises here. */
  readonly promises?: Readonly<Record<string, number>>
  /** Methods that serin avoids, and that are here to show why: they must be seen to fail. */
  readonly mustFail?: readonly string[]
  /** What the planner says about these methods. */
  readonly plans?: Readonly<Record<string, Plan>>
  /** Requests that the median of a method must not exceed. */
  readonly medianAtMost?: Readonly<Record<string, number>>
  /** Simulates one rollout. */
  readonly run: (random: Random) => Finding
}
