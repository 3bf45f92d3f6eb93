import type { FastifyRequest, FastifySchema, onRequestAsyncHookHandler } from 'fastify'
import type { Static } from 'typebox'
import type { Scope } from '../config/config.ts'
import { Type } from '../config/type.ts'
import { suggest } from '../domain/nearest.ts'
import type { AdminDeps } from './admin-deps.ts'
import type { Auth } from './auth.ts'
import type { Operation } from './operation.ts'
import { AdminError } from './problem.ts'
import type { NoteRefusedAccess } from './refused-access.ts'
import type { ServiceStatus } from './service-status.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** Who asks: the token's name. Set by the `allow` hook; stands in decisions. */
    actor: string
    /** The services that it may change and send feedback for; null = all. Set with it. */
    services: readonly string[] | null
  }
}

/** What every group of routes is given. */
export type RouteContext = {
  readonly deps: AdminDeps
  readonly auth: Auth
  readonly noteRefused: NoteRefusedAccess
  /** The options of a route that does just what its description says: who may, what is taken, how much. */
  readonly route: (operation: Operation) => RouteOptions
}

/** What a route checks before its handler runs; nothing here shapes answers. */
export type RouteOptions = {
  readonly onRequest: onRequestAsyncHookHandler[]
  readonly schema: FastifySchema
  readonly config: { readonly operation: Operation }
  readonly bodyLimit?: number
}

/** Path parameters of a service's routes. */
export const SERVICE_PARAMS = Type.Object({
  service: Type.String({ description: 'The name of a service.', examples: ['credit-risk'] }),
})

/** Path parameters of a service's routes, as a handler reads them. */
export type ServiceParams = Static<typeof SERVICE_PARAMS>

/** Builds the context of the routes. */
export function buildRouteContext(
  deps: AdminDeps,
  auth: Auth,
  noteRefused: NoteRefusedAccess,
): RouteContext {
  return {
    ...{ deps, auth, noteRefused },
    route: (operation) => {
      const { scope, openOnLoopback, params, query, body } = operation
      const check = openOnLoopback === true ? auth.checkHere : auth.check
      return {
        onRequest: [
          ...(scope === null ? [] : [allow(check, scope)]),
          ...(body === undefined ? [] : [requireContentType(body.contentTypes)]),
        ],
        schema: {
          ...(params === undefined ? {} : { params }),
          ...(query === undefined ? {} : { querystring: query }),
          ...(body === undefined || body.readByLines === true ? {} : { body: body.schema }),
        },
        config: { operation },
        ...(body === undefined ? {} : { bodyLimit: body.limitBytes }),
      }
    },
  }
}

/** A hook that lets a request through only with this scope, before its body is read. */
function allow(check: Auth['check'], scope: Scope): onRequestAsyncHookHandler {
  return async (request) => {
    const checked = check(request, scope)
    if ('refusal' in checked) throw checked.refusal
    request.actor = checked.actor
    request.services = checked.services
  }
}

/** The status of the service that the path names; throws SERIN_UNKNOWN_SERVICE with the nearest and the known names. */
export function requireService(deps: AdminDeps, name: string): ServiceStatus {
  const status = deps.service(name)
  if (status !== null) return status
  throw new AdminError('SERIN_UNKNOWN_SERVICE', describeUnknown(name, deps.serviceNames()))
}

/** How many names are told at most. */
const NAMED = 20

function describeUnknown(name: string, known: readonly string[]): string {
  if (known.length === 0) return `there is no service "${name}"; none is configured`
  const nearest = suggest(name, known)
  const more = known.length > NAMED ? ` and ${known.length - NAMED} more` : ''
  return `there is no service "${name}"${nearest === '' ? '; k' : `${nearest} K`}nown: ${known.slice(0, NAMED).join(', ')}${more}`
}

/**
 * A hook that wants one of these content types, even for an empty body: a form or a plain link of a
 * foreign page cannot send them, so a browser that is logged in nowhere is never used (CSRF).
 */
function requireContentType(accepted: readonly string[]): onRequestAsyncHookHandler {
  return async (request) => {
    if (accepted.includes(mediaType(request))) return
    const found = request.headers['content-type']
    throw new AdminError(
      'SERIN_UNSUPPORTED_MEDIA_TYPE',
      `content-type is ${found === undefined ? 'missing' : `"${found}"`}; send ${accepted.join(' or ')}`,
    )
  }
}

/** The media type of a request's body in lower case, without parameters; empty where none is given. */
export function mediaType(request: FastifyRequest): string {
  return (request.headers['content-type'] ?? '').split(';')[0]!.trim().toLowerCase()
}
