import type { FastifyInstance } from 'fastify'
import { Type } from 'typebox'
import type { Operation } from './operation.ts'
import { AdminError } from './problem.ts'
import type { RouteContext } from './route-context.ts'

const GET: Operation = {
  id: 'getConfiguration',
  tag: 'configuration',
  summary: 'The configuration that runs',
  description: 'With its defaults and without its secrets: `(hidden)` stands for each.',
  scope: 'read',
  answers: {
    200: {
      description: 'As serin keeps it; see docs/configuration.md for the file.',
      schema: Type.Object({}, { description: 'The configuration, units resolved.' }),
      example: { services: [{ name: 'credit-risk' }] },
    },
  },
  errors: [],
}

const RELOAD: Operation = {
  id: 'reload',
  tag: 'configuration',
  summary: 'Read the file again',
  description: 'A file with a mistake changes nothing: 422 tells all of its `problems`.',
  scope: 'operate',
  body: {
    schema: Type.Object({}, { additionalProperties: false }),
    contentTypes: ['application/json'],
    limitBytes: 1024,
    example: {},
  },
  answers: {
    200: {
      description: 'What has changed.',
      schema: Type.Object({
        changes: Type.Array(Type.String(), { description: 'Empty = nothing has.' }),
      }),
      example: { changes: ['services.credit-risk.variants.canary.version: 2.0 → 2.1'] },
    },
  },
  errors: ['SERIN_CONFIG_INVALID', 'SERIN_STORE_FAILED'],
}

/** Adds `GET /api/v1/config` and `POST /api/v1/reload`. */
export function addConfigurationRoutes(app: FastifyInstance, { deps, route }: RouteContext): void {
  app.get('/api/v1/config', route(GET), () => deps.runningConfig())

  app.post('/api/v1/reload', route(RELOAD), async () => {
    const result = await deps.reload()
    if (result.ok) return { changes: result.changes }
    const { problems } = result
    const count = problems.length === 1 ? '1 problem' : `${problems.length} problems`
    throw new AdminError(
      'SERIN_CONFIG_INVALID',
      `the file has ${count}; the old configuration stays`,
      { more: { problems } },
    )
  })
}
