import { Ajv } from 'ajv'
import Fastify, { LogController, type FastifyInstance, type FastifyServerOptions } from 'fastify'
import type { TObject, TSchema } from 'typebox'
import type { AdminConfig } from '../config/config.ts'
import type { AdminDeps } from './admin-deps.ts'
import { buildAuth } from './auth.ts'
import { CONNECTION_LIMITS, makeRoom } from './bound-connections.ts'
import { addCohortRoute } from './cohorts.ts'
import { addCommandRoutes } from './commands.ts'
import { addConfigurationRoutes } from './configuration.ts'
import { addDecisionRoutes } from './decisions.ts'
import { addEventRoute } from './events.ts'
import { addExperimentRoute } from './experiments.ts'
import { addDescription } from './describe-api.ts'
import { addFeedbackRoute } from './feedback.ts'
import { addHealthRoutes } from './health.ts'
import { addHistoryRoute } from './history.ts'
import { addMeRoute } from './me.ts'
import { addPlanRoute } from './plan.ts'
import { AdminError, buildSendProblem } from './problem.ts'
import { buildBodyValidator, buildTextValidator } from './request-validator.ts'
import { buildNoteRefusedAccess } from './refused-access.ts'
import { addRootRoute } from './root.ts'
import { buildRouteContext } from './route-context.ts'
import { RoutesByPath } from './routes-by-path.ts'
import { describeSchemaErrors } from './schema-errors.ts'
import { addServiceRoutes } from './services.ts'

/**
 * Creates the server of the admin API; the caller readies it, listens on and closes it. Throws where the
 * configuration would open it to others without a token.
 */
export function createAdminServer(deps: AdminDeps, config: AdminConfig): FastifyInstance {
  const noteRefused = buildNoteRefusedAccess(deps)
  const sendProblem = buildSendProblem(deps.isStoreTold, noteRefused)
  const app: FastifyInstance = Fastify({
    loggerInstance: deps.log,
    // A dashboard and a scraper ask every second: what changes something is logged as a decision.
    logController: new LogController({ disableRequestLogging: true }),
    // What is no address at all, or has a name that no service can have.
    frameworkErrors: sendProblem,
    schemaErrorFormatter: (errors) =>
      new AdminError('SERIN_BAD_REQUEST', describeSchemaErrors(errors)),
    schemaController: NO_COMPILERS,
    // Fastify's own would have a busy process neither start nor end, where a part takes 10 s.
    pluginTimeout: 0,
    ...CONNECTION_LIMITS,
  })
  makeRoom(app.server, deps)
  // Bodies are what they are: nothing is coerced, filled in or taken away. The schemas are held against theirs by a test.
  const ajv = new Ajv({ strict: false, verbose: true, validateSchema: false })
  app.setValidatorCompiler<TSchema>(({ schema, httpPart }) =>
    httpPart === 'body'
      ? buildBodyValidator(ajv, schema)
      : buildTextValidator(ajv, schema as TObject),
  )
  const context = buildRouteContext(deps, buildAuth(config, deps.clock), noteRefused)

  app.decorateRequest('actor', '')
  app.decorateRequest('services', null)
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('application/json', { parseAs: 'string' }, parseJson)
  app.addHook('onSend', async (_request, reply) => {
    if (!reply.hasHeader('cache-control')) void reply.header('cache-control', 'no-store')
    void reply.header('x-content-type-options', 'nosniff')
  })
  app.setErrorHandler(sendProblem)
  const routes = new RoutesByPath()
  app.addHook('onRoute', ({ method, url }) => routes.add(method, url))
  app.setNotFoundHandler((request, reply) => {
    const path = request.url.split('?')[0]!
    const taken = routes.methodsOf(path)
    const hint = taken.length === 0 ? '' : `: this path takes ${taken.join(' and ')}`
    const detail = `${request.method} ${path} is not a route of the admin API${hint}; GET / lists them`
    sendProblem(new AdminError('SERIN_NOT_FOUND', detail), request, reply)
  })

  addDescription(app, context)
  addRootRoute(app, context)
  addHealthRoutes(app, context)
  addServiceRoutes(app, context)
  addCommandRoutes(app, context)
  addDecisionRoutes(app, context)
  addExperimentRoute(app, context)
  addCohortRoute(app, context)
  addPlanRoute(app, context)
  addHistoryRoute(app, context)
  addEventRoute(app, context)
  addMeRoute(app, context)
  addFeedbackRoute(app, context)
  addConfigurationRoutes(app, context)
  return app
}

/** In place of Fastify's own, which would be loaded: requests are validated below, and answers have no schema. */
const NO_COMPILERS = {
  compilersFactory: {
    buildValidator: () => () => () => true,
    buildSerializer: () => () => JSON.stringify,
  },
} as unknown as NonNullable<FastifyServerOptions['schemaController']>

/** An empty body stands for `{}`: every command can be given without a word. */
async function parseJson(_request: unknown, body: string | Buffer): Promise<unknown> {
  const text = body.toString()
  if (text.trim() === '') return {}
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new AdminError('SERIN_BAD_REQUEST', `the body is not JSON: ${(error as Error).message}`)
  }
}
