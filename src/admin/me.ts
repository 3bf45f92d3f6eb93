import type { FastifyInstance } from 'fastify'
import type { Scope } from '../config/config.ts'
import type { RouteContext } from './route-context.ts'

/** Who asks, as the API sees it. */
export type MeJson = {
  /** The name that stands in decisions. */
  readonly actor: string
  readonly scopes: readonly Scope[]
  /** When the token expires; null = never, or none is needed. */
  readonly expiresAt: string | null
}

/** Adds `GET /api/v1/me`: what the token of the request may do. Any token that is known may ask. */
export function addMeRoute(app: FastifyInstance, { auth }: RouteContext): void {
  app.get('/api/v1/me', (request): MeJson => {
    const known = auth.identify(request)
    if ('refusal' in known) throw known.refusal
    const { actor, scopes, expiresAt } = known
    return {
      actor,
      scopes,
      expiresAt: expiresAt === null ? null : new Date(expiresAt).toISOString(),
    }
  })
}
