import type { Static } from 'typebox'
import { NOTIFY_EVENTS } from '../domain/notify.ts'
import { DEFAULTS } from './defaults.ts'
import { url } from './schema-place.ts'
import { map, note, oneOf, secret } from './schema-value.ts'
import { Type } from './type.ts'

const HookSchema = map({
  url: url(note('Where the POST goes; redirects are not followed.', 'live')),
  on: Type.Array(oneOf(note('An event.', 'live'), [...NOTIFY_EVENTS, 'confirm-promotion']), {
    minItems: 1,
    ...note('What is sent; confirm-promotion asks before an automatic step to 100 %.', 'live'),
  }),
  secret: Type.Optional(secret(note('Signs the body.', 'live'), 1)),
  template: Type.Optional(
    oneOf(
      note('The body: the decision as JSON, or a short text for Slack.', 'live', DEFAULTS.template),
      ['json', 'slack'],
    ),
  ),
})

/** `services.*.notify`: who hears of decisions, and who is asked before 100 %. */
export const NotifySchema = Type.Array(HookSchema, note('Who hears of decisions.', 'live'))

/** The webhooks of a service as the file writes them. */
export type RawNotify = Static<typeof NotifySchema>
