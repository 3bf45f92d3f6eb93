import type { ScenarioResult } from './repeat.ts'

/** What a run writes with `--json`. */
export type CalibrationReport = {
  readonly at: string
  readonly version: string
  readonly node: string
  readonly seed: number
  readonly quick: boolean
  readonly scenarios: readonly ScenarioResult[]
}
