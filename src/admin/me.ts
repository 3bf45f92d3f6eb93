import type { FastifyInstance } from 'fastify'
import { presentIdentity, type MeJson } from './identity.ts'
import type { RouteContext } from './route-context.ts'

/** Adds `GET /api/v1/me`: what the token of the request may do. Any token that is known may ask. */
export function addMeRoute(app: FastifyInstance, { auth }: RouteContext): void {
  app.get('/api/v1/me', (request): MeJson => {
    const known = auth.identify(request)
    if ('refusal' in known) throw known.refusal
    return presentIdentity(known)
  })
}
