import { createHash } from 'node:crypto'
import type { NotifySpec } from '../domain/notify.ts'

/**
 * What a webhook is remembered by in the store: a hash of its address, so that another order, other events
 * or another secret change nothing of what it has heard, and no secret is stored.
 */
export function hookKey({ url }: NotifySpec): string {
  return createHash('sha256').update(url).digest('hex').slice(0, 16)
}
