import { readdirSync, readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { extname } from 'node:path'
import type { FastifyInstance } from 'fastify'
import { Type } from '../config/type.ts'
import type { Operation } from './operation.ts'
import type { RouteContext } from './route-context.ts'

const ROOT: Operation = {
  id: 'getRoot',
  tag: 'observability',
  summary: 'What is here',
  description:
    'The dashboard for a browser (`accept: text/html`), else a page of text. Public, and the same for everybody.',
  scope: null,
  answers: {
    200: {
      description: 'The routes, in plain text.',
      contentType: 'text/plain',
      schema: Type.String(),
      example: 'serin, a canary gateway for model servers: the admin API\n',
    },
  },
  errors: [],
}

/** What the build made of `dashboard/`, beside this module. */
const BUILT = new URL('./dashboard/', import.meta.url)

/**
 * Everything that the page loads comes from here, and nothing stands in the page itself. Styles that charts
 * set do so through the object model, which the policy leaves alone.
 */
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  "img-src 'self' data:",
  "base-uri 'none'",
  "frame-ancestors 'none'",
  "form-action 'none'",
].join('; ')

/**
 * Adds `GET /`: the dashboard for a browser, else a page in plain text that says what is here. Both are public,
 * hold nothing of this gateway, and are the same for everybody. Throws where the dashboard was not built.
 */
export function addRootRoute(app: FastifyInstance, { route }: RouteContext): void {
  const dashboard = readFileSync(new URL('index.html', BUILT), 'utf8')

  app.get('/', route(ROOT), (request, reply) => {
    void reply.header('vary', 'accept')
    if (request.headers.accept?.includes('text/html') !== true) {
      void reply.type('text/plain; charset=utf-8')
      return PAGE
    }
    void reply.type('text/html; charset=utf-8').headers({
      'content-security-policy': CONTENT_SECURITY_POLICY,
      'referrer-policy': 'no-referrer',
      'cross-origin-opener-policy': 'same-origin',
    })
    return dashboard
  })

  const assets = new Set(readdirSync(new URL('assets/', BUILT)))
  app.get('/assets/:file', async (request, reply) => {
    const { file } = request.params as { readonly file: string }
    if (!assets.has(file)) return reply.callNotFound()
    void reply.type(TYPES[extname(file)] ?? 'application/octet-stream')
    // Its name has a hash of what it holds.
    void reply.header('cache-control', 'public, max-age=31536000, immutable')
    return readFile(new URL(`assets/${file}`, BUILT))
  })
}

const TYPES: Readonly<Record<string, string>> = {
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
}

const PAGE = `serin, a canary gateway for model servers: the admin API
(a browser is shown the dashboard here; on the command line: serin status, serin --help)

GET  /healthz  /readyz  /metrics  /openapi.json
GET  /api/v1/services
GET  /api/v1/services/{service}                      ETag: the rollout's revision
PUT  /api/v1/services/{service}/weights              {"canary": 20}  percent
POST /api/v1/services/{service}/promote              {"reason": "…", "full": true}
POST /api/v1/services/{service}/retry                {"reason": "…", "force": true}
POST /api/v1/services/{service}/{abort,pause,resume,undo}   {"reason": "…"}
GET  /api/v1/services/{service}/decisions?after=0&limit=100
GET  /api/v1/services/{service}/decisions/{id}
GET  /api/v1/services/{service}/experiments            those that have ended, with their verdicts
GET  /api/v1/services/{service}/cohorts?rollout=&after=0&limit=200   what was counted, for backtests
GET  /api/v1/services/{service}/history                what the evidence was, turn by turn
GET  /api/v1/services/{service}/plan?rps=200&errorRate=0.01&rates=&segments=&regression=1   how long it takes
GET  /api/v1/events?service=                         server-sent events; of all services, or of one in full
GET  /api/v1/me                                      what your token may do
POST /api/v1/feedback                                one object, or one a line (application/x-ndjson)
GET  /api/v1/reload                                  what became of the last one
POST /api/v1/reload                                  {}
GET  /api/v1/config

PUT and POST need content-type: application/json; changes take If-Match: "<revision>".
With tokens configured: Authorization: Bearer <token>.
`
