import { NOTIFY_EVENTS, type NotifySpec } from '../domain/notify.ts'
import { DEFAULTS } from './defaults.ts'
import type { RawNotify } from './schema-notify.ts'

/** A service's webhooks as a checked file means them. */
export function buildNotify(raw: RawNotify): readonly NotifySpec[] {
  return raw.map(({ url, on, secret, template }) => ({
    url,
    on: NOTIFY_EVENTS.filter((event) => on.includes(event)),
    confirmsPromotion: on.includes('confirm-promotion'),
    secret: secret ?? null,
    template: template ?? DEFAULTS.template,
  }))
}
