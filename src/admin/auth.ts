import { createHash, timingSafeEqual } from 'node:crypto'
import type { FastifyRequest } from 'fastify'
import { SCOPES, type AdminConfig, type AdminToken, type Scope } from '../config/config.ts'
import { isLoopback } from '../config/listen.ts'
import type { Clock } from '../domain/clock.ts'
import { parseHost } from './host.ts'
import type { Identity } from './identity.ts'
import { AdminError } from './problem.ts'

/** Who may do what on the admin port. */
export type Auth = {
  /** Whose request it is; the error to answer with (401 or 403) where that is not known. */
  readonly identify: (request: FastifyRequest) => Identity | { readonly refusal: AdminError }
  /** Who it is where the request may do this; the error to answer with (401 or 403) where not. */
  readonly check: (
    request: FastifyRequest,
    scope: Scope,
  ) => Pick<Identity, 'actor' | 'services'> | { readonly refusal: AdminError }
  /** As `check`, but who asks a loopback listener, and not through a proxy, needs no token. */
  readonly checkHere: Auth['check']
}

/** The actor of every request where no tokens are configured. */
export const LOCAL_ACTOR = 'operator@loopback'

/**
 * Builds the guard of the admin API. Tokens are compared as SHA-256 digests in constant time, and all of
 * them each time. On a loopback listener a request's Host must be a loopback name or the configured one,
 * so that a page in a browser cannot reach it under a name of its own (DNS rebinding); elsewhere the
 * token, which no page can send unasked, is the proof. A request that a proxy forwarded may come from anywhere: a
 * loopback listener obeys it with a token only. `config.tokens` is read at every request, since a
 * reload may replace it. Throws when there is neither loopback nor token.
 */
export function buildAuth(config: AdminConfig, clock: Clock): Auth {
  const isLocal = isLoopback(config.listen.host)
  if (!isLocal && config.tokens.length === 0) {
    throw new Error(
      `admin.listen is ${config.listen.host}, which others can reach: configure admin.tokens first`,
    )
  }
  let known = config.tokens
  let digested = digestTokens(known)
  const readTokens = () => {
    if (config.tokens !== known) {
      known = config.tokens
      digested = digestTokens(known)
    }
    return digested
  }

  const identify: Auth['identify'] = ({ headers }) => {
    const { host, authorization } = headers
    if (isLocal && !isOwnHost(host, config.listen.host)) {
      return { refusal: foreignHost(host, config.listen.host) }
    }
    const tokens = readTokens()
    if (tokens.length === 0) {
      const by = findForwarder(headers)
      if (by !== undefined) return { refusal: forwarded(by) }
      return { ...HERE, scopes: SCOPES, expiresAt: null }
    }
    const given = /^Bearer +(\S+) *$/i.exec(authorization ?? '')?.[1]
    if (given === undefined) return { refusal: unauthenticated(TOKEN_WANTED, REALM) }
    return checkToken(findToken(given, tokens), clock.now())
  }

  const check: Auth['check'] = (request, scope) => {
    const known = identify(request)
    if ('refusal' in known) return known
    if (!known.scopes.includes(scope)) return { refusal: lacksScope(known, scope) }
    const refusal = scope === 'operate' ? lacksService(known, request) : null
    return refusal === null ? known : { refusal }
  }
  const isHere = ({ headers }: FastifyRequest) =>
    isLocal && isOwnHost(headers.host, config.listen.host) && findForwarder(headers) === undefined
  return {
    ...{ identify, check },
    checkHere: (request, scope) => (isHere(request) ? HERE : check(request, scope)),
  }
}

/** Who needs no token. */
const HERE = { actor: LOCAL_ACTOR, services: null }

const REALM = 'Bearer realm="serin"'
const TOKEN_WANTED = 'send a token of the configuration: `Authorization: Bearer …`'

type DigestedToken = AdminToken & { readonly digest: Buffer }

function checkToken(
  token: AdminToken | undefined,
  now: number,
): Identity | { readonly refusal: AdminError } {
  const invalid = `${REALM}, error="invalid_token"`
  if (token === undefined) return { refusal: unauthenticated('this token is not known', invalid) }
  const { name, scopes, services, expiresAt } = token
  if (expiresAt !== null && expiresAt <= now) {
    const expired = new Date(expiresAt).toISOString()
    return { refusal: unauthenticated(`token "${name}" expired at ${expired}`, invalid) }
  }
  return { actor: name, scopes, services, expiresAt }
}

function lacksScope({ actor, scopes }: Identity, scope: Scope): AdminError {
  return new AdminError(
    'SERIN_FORBIDDEN',
    `token "${actor}" has the scopes ${scopes.join(', ')}; this needs ${scope}`,
    { headers: { 'www-authenticate': `${REALM}, error="insufficient_scope", scope="${scope}"` } },
  )
}

// What names no service is about all of them.
function lacksService(
  { actor, services }: Identity,
  { params }: FastifyRequest,
): AdminError | null {
  const { service } = params as { readonly service?: string }
  if (services === null || (service !== undefined && services.includes(service))) return null
  const wanted = service === undefined ? 'this is about all services' : `this is about "${service}"`
  return new AdminError(
    'SERIN_FORBIDDEN',
    `token "${actor}" operates ${services.join(', ')}; ${wanted}`,
  )
}

function findToken(given: string, tokens: readonly DigestedToken[]): AdminToken | undefined {
  const digest = digestOf(given)
  // `filter`, not `find`: every token is compared, so that the time does not tell which one came close.
  return tokens.filter((token) => timingSafeEqual(token.digest, digest))[0]
}

function digestTokens(tokens: readonly AdminToken[]): readonly DigestedToken[] {
  return tokens.map((token) => ({ ...token, digest: digestOf(token.token) }))
}

function digestOf(token: string): Buffer {
  return createHash('sha256').update(token).digest()
}

function isOwnHost(header: string | undefined, configured: string): boolean {
  const host = parseHost(header)
  return host !== null && (isLoopback(host) || host === configured.toLowerCase())
}

function foreignHost(header: string | undefined, configured: string): AdminError {
  const found = header === undefined ? 'Host is missing' : `Host "${header}" is not this listener's`
  return new AdminError('SERIN_FORBIDDEN', `${found}; use localhost or ${configured}`)
}

/** The field by which a proxy says for whom it asks (RFC 7239, and the older ones). */
function findForwarder(headers: FastifyRequest['headers']): string | undefined {
  return Object.keys(headers).find((name) => /^(?:forwarded|x-real-ip|x-forwarded-.+)$/.test(name))
}

function forwarded(by: string): AdminError {
  return new AdminError(
    'SERIN_FORBIDDEN',
    `a proxy has forwarded this (${by}), so anybody may have sent it: configure admin.tokens, and send one`,
  )
}

function unauthenticated(detail: string, challenge: string): AdminError {
  return new AdminError('SERIN_UNAUTHENTICATED', detail, {
    headers: { 'www-authenticate': challenge },
  })
}
