import type { FastifyInstance } from 'fastify'
import { SCOPES } from '../config/config.ts'
import { Type } from '../config/type.ts'
import { presentIdentity, type MeJson } from './identity.ts'
import type { Operation } from './operation.ts'
import type { RouteContext } from './route-context.ts'
import { oneOf, orNull, time } from './schema-value.ts'

const GET: Operation = {
  id: 'getMe',
  tag: 'observability',
  summary: 'What your token may do',
  description: 'Any token that is known may ask, whatever its scopes.',
  scope: null,
  answers: {
    200: {
      description: 'Who asks.',
      schema: Type.Object({
        actor: Type.String({ description: 'The name that stands in decisions.' }),
        scopes: Type.Array(oneOf(SCOPES)),
        services: orNull(
          Type.Array(Type.String()),
          'The services that it may change and send feedback for; null = all.',
        ),
        expiresAt: orNull(time(), 'When the token expires; null = never.'),
      }),
      example: { actor: 'ops', scopes: ['read', 'operate'], services: null, expiresAt: null },
    },
  },
  errors: ['SERIN_UNAUTHENTICATED', 'SERIN_FORBIDDEN'],
}

/** Adds `GET /api/v1/me`: what the token of the request may do. */
export function addMeRoute(app: FastifyInstance, { auth, route }: RouteContext): void {
  app.get('/api/v1/me', route(GET), (request): MeJson => {
    const known = auth.identify(request)
    if ('refusal' in known) throw known.refusal
    return presentIdentity(known)
  })
}
