import type { DecisionJson, ServiceJson } from '../admin/present.ts'
import { request } from 'undici'

/** The parts of the admin API that the demo reads. Each rejects with a sentence when it is not answered 200. */
export type AdminReader = {
  readonly service: (name: string) => Promise<ServiceJson>
  /** Oldest first. */
  readonly decisions: (name: string) => Promise<readonly DecisionJson[]>
  readonly isReady: () => Promise<boolean>
}

const TIMEOUT_MS = 10_000

/** Builds a reader of the admin API at an origin (`http://127.0.0.1:9090`). */
export function buildAdminReader(origin: string): AdminReader {
  return {
    service: async (name) => (await get(origin, `/api/v1/services/${name}`)) as ServiceJson,
    decisions: async (name) => {
      const page = await get(origin, `/api/v1/services/${name}/decisions?limit=1000`)
      return (page as { readonly decisions: readonly DecisionJson[] }).decisions.toReversed()
    },
    isReady: async () => {
      try {
        const { statusCode, body } = await request(`${origin}/readyz`)
        await body.dump()
        return statusCode === 200
      } catch (error) {
        // Not listening yet is the one way not to be ready that is expected here.
        if ((error as { readonly code?: string }).code === 'ECONNREFUSED') return false
        throw error
      }
    },
  }
}

async function get(origin: string, path: string): Promise<unknown> {
  const { statusCode, body } = await request(`${origin}${path}`, {
    headersTimeout: TIMEOUT_MS,
    bodyTimeout: TIMEOUT_MS,
  })
  const text = await body.text()
  if (statusCode !== 200) throw new Error(`GET ${path} was answered ${statusCode}: ${text}`)
  return JSON.parse(text) as unknown
}
