import type { Scenario } from '../scenario.ts'
import { errorsAlike, errorsProved, errorsWorse } from './errors.ts'

/** Every scenario, in the order of the report. */
export function allScenarios(): readonly Scenario[] {
  return [...errorsAlike(), ...errorsWorse(), ...errorsProved()]
}
