import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Command } from '../domain/decision.ts'
import type { AdminDeps } from './admin-deps.ts'
import {
  buildCommand,
  buildWeightsCommand,
  COMMAND_BODIES,
  type CommandBody,
  type RouteVerb,
  type WeightsBody,
} from './command-body.ts'
import { describeCommand, WEIGHTS, type CommandAnswerSchema } from './command-operations.ts'
import { parseIfMatch, setEtag } from './etag.ts'
import { presentDecision, presentService } from './present.ts'
import { AdminError } from './problem.ts'
import { requireService, type RouteContext, type ServiceParams } from './route-context.ts'
import type { Json } from './schema-value.ts'

/**
 * Answer to a command. `decision: null` = it was so already, nothing was decided, or it is `pending`: in force here, and
 * not stored yet.
 */
export type CommandAnswer = Json<typeof CommandAnswerSchema>

/** Adds `PUT …/weights` and a `POST` route for each verb of a rollout. */
export function addCommandRoutes(app: FastifyInstance, { deps, route }: RouteContext): void {
  app.put<{ Params: ServiceParams; Body: WeightsBody }>(
    '/api/v1/services/:service/weights',
    route(WEIGHTS),
    (request, reply) => run(deps, request, reply, buildWeightsCommand(request.body, request.actor)),
  )

  for (const verb of Object.keys(COMMAND_BODIES) as RouteVerb[]) {
    app.post<{ Params: ServiceParams; Body: CommandBody }>(
      `/api/v1/services/:service/${verb}`,
      route(describeCommand(verb)),
      (request, reply) =>
        run(deps, request, reply, buildCommand(verb, request.body, request.actor)),
    )
  }
}

async function run(
  deps: AdminDeps,
  request: FastifyRequest<{ Params: ServiceParams }>,
  reply: FastifyReply,
  command: Command,
): Promise<CommandAnswer> {
  const { service } = request.params
  const status = requireService(deps, service)
  await deps.gather(service)
  const result = await deps.command(
    service,
    command,
    parseIfMatch(request.headers['if-match'], status),
  )
  if (!result.ok) throw new AdminError(result.code, result.detail)
  const { decision, pending, status: after } = result
  setEtag(reply, after)
  if (pending !== null) void reply.status(202)
  return {
    decision: decision === null ? null : presentDecision(decision),
    pending,
    service: presentService(after),
  }
}
