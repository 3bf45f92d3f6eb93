import { Admission } from '../../src/proxy/admission.ts'
import { Budget } from '../../src/proxy/budget.ts'
import { Tenancy } from '../../src/proxy/tenancy.ts'
import { Upstream } from '../../src/proxy/upstream.ts'
import type { VariantTarget } from '../../src/proxy/variant-target.ts'
import type { Variant } from '../../src/domain/variant.ts'
import { connectionsBy } from '../support/names.ts'
import { timeouts, variantAt } from '../support/start-gateway.ts'

/** A target whose upstreams are never connected to. */
export function buildTarget(count: number, more: Partial<Variant> = {}): VariantTarget {
  const origins = Array.from({ length: count }, (_, n) => `http://127.0.0.1:${n + 1}`)
  const variant = variantAt('baseline', '', {
    upstreams: origins,
    timeout: timeouts({}),
    ...more,
  })
  return {
    variant,
    matchPath: '/m/*',
    upstreams: origins.map((origin) => {
      const way = { origin, connectMs: 1000, keepAliveMs: null, tls: {} }
      return new Upstream(
        connectionsBy(way, () => {}),
        {
          ...variant,
          service: 'model',
          variant: variant.name,
        },
      )
    }),
    tenancy: new Tenancy(() => {}),
    admission: new Admission({ maxInFlight: null, maxWaiting: 0 }),
    retries: new Budget(),
  }
}
