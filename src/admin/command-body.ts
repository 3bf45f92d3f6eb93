import type { Static } from 'typebox'
import { Type } from '../config/type.ts'
import type { Command } from '../domain/decision.ts'
import { WHOLE_BP } from '../domain/units.ts'
import { AdminError } from './problem.ts'

// Printed in terminals later on: what steers them, or turns the direction of writing, could draw there what it likes.
// The two joiners belong to words and to emoji.
const reason = Type.Optional(
  Type.String({
    maxLength: 1000,
    pattern: '^(?:[\\u200C\\u200D]|[^\\p{C}\\p{Zl}\\p{Zp}])*$',
    description: 'Why, in one line; stands in the decision log.',
  }),
)
const percent = Type.Optional(
  Type.Number({ minimum: 0, maximum: 100, description: 'Percent, at most two decimals.' }),
)

/** Bodies of the commands, by verb: what is not listed is refused by name. */
export const COMMAND_BODIES = {
  promote: Type.Object(
    {
      reason,
      full: Type.Optional(Type.Boolean({ description: 'Go to 100 % at once.' })),
      variant: Type.Optional(
        Type.String({ maxLength: 63, description: 'The winner of a fixed split.' }),
      ),
    },
    { additionalProperties: false },
  ),
  abort: Type.Object({ reason }, { additionalProperties: false }),
  pause: Type.Object({ reason }, { additionalProperties: false }),
  resume: Type.Object({ reason }, { additionalProperties: false }),
  retry: Type.Object(
    {
      reason,
      force: Type.Optional(Type.Boolean({ description: 'Do not wait for the cooldown.' })),
    },
    { additionalProperties: false },
  ),
  undo: Type.Object({ reason }, { additionalProperties: false }),
} as const

/** Body of `PUT …/weights`: the canary's weight, or the baseline's as its complement. */
export const WEIGHTS_BODY = Type.Object(
  { canary: percent, baseline: percent, reason },
  { additionalProperties: false },
)

/** The verbs that have a route of their own. */
export type RouteVerb = keyof typeof COMMAND_BODIES

/** What a command's body may hold, over all verbs. */
export type CommandBody = {
  readonly reason?: string
  readonly full?: boolean
  readonly force?: boolean
  readonly variant?: string
}

/** The weights of an override as they were sent: in percent, not checked to make a split. */
export type WeightsBody = Static<typeof WEIGHTS_BODY>

/** Builds the command of a verb's route. */
export function buildCommand(verb: RouteVerb, body: CommandBody, actor: string): Command {
  const common = { actor, note: body.reason ?? null }
  switch (verb) {
    case 'promote':
      return {
        ...{ verb, full: body.full ?? false },
        ...(body.variant === undefined ? {} : { variant: body.variant }),
        ...common,
      }
    case 'retry':
      return { verb, force: body.force ?? false, ...common }
    default:
      return { verb, ...common }
  }
}

/** Builds the override of the weights; throws SERIN_BAD_REQUEST where the numbers make no split. */
export function buildWeightsCommand(body: WeightsBody, actor: string): Command {
  const canary = body.canary === undefined ? null : toBp('canary', body.canary)
  const baseline = body.baseline === undefined ? null : toBp('baseline', body.baseline)
  if (canary === null && baseline === null) {
    throw new AdminError(
      'SERIN_BAD_REQUEST',
      'the body names no weight; send {"canary": <percent>}',
    )
  }
  if (canary !== null && baseline !== null && canary + baseline !== WHOLE_BP) {
    throw new AdminError(
      'SERIN_BAD_REQUEST',
      `canary ${body.canary} and baseline ${body.baseline} do not sum to 100; send canary alone`,
    )
  }
  const canaryBp = canary ?? WHOLE_BP - baseline!
  return { verb: 'weights', canaryBp, actor, note: body.reason ?? null }
}

function toBp(name: string, percentage: number): number {
  const weightBp = Math.round(percentage * 100)
  // 0.29 × 100 is 28.999…: what is within rounding of a whole basis point was written with two decimals.
  if (Math.abs(percentage * 100 - weightBp) < 1e-9 * WHOLE_BP) return weightBp
  throw new AdminError(
    'SERIN_BAD_REQUEST',
    `${name} is ${percentage}: a weight has at most two decimals (percent)`,
  )
}
