import type { DecisionJson, ServiceJson } from './present.ts'

/** Answer to a command. `decision: null` = it was so already, nothing was decided. */
export type CommandAnswer = {
  readonly decision: DecisionJson | null
  readonly service: ServiceJson
}
