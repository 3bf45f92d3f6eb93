import type { FastifyInstance } from 'fastify'
import { Type } from 'typebox'
import { AdminError } from './problem.ts'
import { requireContentType, type RouteContext } from './route-context.ts'

/** Adds `GET /api/v1/config` and `POST /api/v1/reload`. */
export function addConfigurationRoutes(app: FastifyInstance, { deps, allow }: RouteContext): void {
  app.get('/api/v1/config', { onRequest: allow('read') }, () => deps.runningConfig())

  app.post(
    '/api/v1/reload',
    {
      onRequest: [allow('operate'), requireContentType(['application/json'])],
      bodyLimit: 1024,
      schema: { body: Type.Object({}, { additionalProperties: false }) },
    },
    async () => {
      const result = await deps.reload()
      if (result.ok) return { changes: result.changes }
      const { problems } = result
      const count = problems.length === 1 ? '1 problem' : `${problems.length} problems`
      throw new AdminError(
        'SERIN_CONFIG_INVALID',
        `the file has ${count}; the old configuration stays`,
        { more: { problems } },
      )
    },
  )
}
