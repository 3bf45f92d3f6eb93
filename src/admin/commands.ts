import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Command } from '../domain/decision.ts'
import type { AdminDeps } from './admin-deps.ts'
import {
  buildCommand,
  buildWeightsCommand,
  COMMAND_BODIES,
  WEIGHTS_BODY,
  type CommandBody,
  type RouteVerb,
  type WeightsBody,
} from './command-body.ts'
import { parseIfMatch, setEtag } from './etag.ts'
import type { CommandAnswer } from './command-answer.ts'
import { presentDecision, presentService } from './present.ts'
import { AdminError } from './problem.ts'
import {
  requireContentType,
  requireService,
  type RouteContext,
  type ServiceParams,
} from './route-context.ts'

/** Adds `PUT …/weights` and a `POST` route for each verb of a rollout. */
export function addCommandRoutes(app: FastifyInstance, { deps, allow }: RouteContext): void {
  const onRequest = [allow('operate'), requireContentType(['application/json'])]
  const bodyLimit = 16 * 1024

  app.put<{ Params: ServiceParams; Body: WeightsBody }>(
    '/api/v1/services/:service/weights',
    { onRequest, bodyLimit, schema: { body: WEIGHTS_BODY } },
    (request, reply) => run(deps, request, reply, buildWeightsCommand(request.body, request.actor)),
  )

  for (const verb of Object.keys(COMMAND_BODIES) as RouteVerb[]) {
    app.post<{ Params: ServiceParams; Body: CommandBody }>(
      `/api/v1/services/:service/${verb}`,
      { onRequest, bodyLimit, schema: { body: COMMAND_BODIES[verb] } },
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
  const result = await deps.command(
    service,
    command,
    parseIfMatch(request.headers['if-match'], status),
  )
  if (!result.ok) throw new AdminError(result.code, result.detail)
  setEtag(reply, result.status)
  return {
    decision: result.decision === null ? null : presentDecision(result.decision),
    service: presentService(result.status),
  }
}
