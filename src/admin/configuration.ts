import type { FastifyInstance } from 'fastify'
import { Type } from '../config/type.ts'
import type { Operation } from './operation.ts'
import { presentReload, type ReloadStandingJson } from './present-reload.ts'
import { AdminError } from './problem.ts'
import type { RouteContext } from './route-context.ts'
import { ReloadedSchema, ReloadStandingSchema } from './schema-reload.ts'

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
  description:
    'A file with a mistake changes nothing: 422 tells all of its `problems`. One that is good is in force with the answer, also while the store is away.',
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
      schema: ReloadedSchema,
      example: {
        changes: ['services.credit-risk.variants.canary.version: 2.0 → 2.1'],
        waiting: [],
      },
    },
  },
  errors: ['SERIN_CONFIG_INVALID'],
}

const STANDING: Operation = {
  id: 'getReload',
  tag: 'configuration',
  summary: 'What became of the last reload',
  description:
    'Whether the file that was read last is in force. Of several workers each knows what it was asked since it started.',
  scope: 'read',
  answers: {
    200: {
      description: 'How it stands.',
      schema: ReloadStandingSchema,
      example: {
        inForceSince: '2027-05-01T11:00:00.000Z',
        waiting: [],
        refused: {
          at: '2027-05-01T11:58:00.000Z',
          problems: ['serin.yaml:3:1: stoer: unknown key "stoer": did you mean "store"?'],
        },
      },
    },
  },
  errors: [],
}

/** Adds `GET /api/v1/config`, and `GET` and `POST /api/v1/reload`. */
export function addConfigurationRoutes(app: FastifyInstance, { deps, route }: RouteContext): void {
  app.get('/api/v1/config', route(GET), () => deps.runningConfig())

  app.get('/api/v1/reload', route(STANDING), (): ReloadStandingJson =>
    presentReload(deps.lastReload()),
  )

  app.post('/api/v1/reload', route(RELOAD), async () => {
    const result = await deps.reload()
    if (result.ok) return { changes: result.changes, waiting: result.waiting }
    const { problems } = result
    const count = problems.length === 1 ? '1 problem' : `${problems.length} problems`
    throw new AdminError(
      'SERIN_CONFIG_INVALID',
      `the file has ${count}; the old configuration stays`,
      { more: { problems } },
    )
  })
}
