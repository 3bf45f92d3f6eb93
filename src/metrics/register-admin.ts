import { Counter, type Registry } from 'prom-client'
import type { ErrorCode } from '../domain/errors.ts'

/** What is counted of the admin port. */
export type AdminCounters = {
  /** A request that has shown no token that may. */
  readonly countRefusedAccess: (code: ErrorCode) => void
}

/** Registers the counters of the admin port. */
export function registerAdmin(registry: Registry): AdminCounters {
  const refused = new Counter({
    name: 'serin_admin_refused_total',
    help: 'Requests that the admin port turned away for want of a token that may, or as those of a stranger (401, 403).',
    labelNames: ['code'],
    registers: [registry],
  })
  // An increase is seen from the first one on.
  for (const code of ['SERIN_UNAUTHENTICATED', 'SERIN_FORBIDDEN']) refused.inc({ code }, 0)
  return { countRefusedAccess: (code) => refused.inc({ code }) }
}
