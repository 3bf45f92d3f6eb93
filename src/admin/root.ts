import type { FastifyInstance } from 'fastify'
import { Type } from 'typebox'
import type { Operation } from './operation.ts'
import type { RouteContext } from './route-context.ts'

const ROOT: Operation = {
  id: 'getRoot',
  tag: 'observability',
  summary: 'What is here',
  description: 'A page for people. Public, and the same for everybody.',
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

/** Adds `GET /`: a page in plain text that says what is here. Public, and the same for everybody. */
export function addRootRoute(app: FastifyInstance, { route }: RouteContext): void {
  app.get('/', route(ROOT), (_request, reply) => {
    void reply.type('text/plain; charset=utf-8')
    return PAGE
  })
}

const PAGE = `serin, a canary gateway for model servers: the admin API
(or use the command line: serin status, serin --help)

GET  /healthz  /readyz  /metrics  /openapi.json
GET  /api/v1/services
GET  /api/v1/services/{service}                      ETag: the rollout's revision
PUT  /api/v1/services/{service}/weights              {"canary": 20}  percent
POST /api/v1/services/{service}/promote              {"reason": "…", "full": true}
POST /api/v1/services/{service}/retry                {"reason": "…", "force": true}
POST /api/v1/services/{service}/{abort,pause,resume,undo}   {"reason": "…"}
GET  /api/v1/services/{service}/decisions?after=0&limit=100
GET  /api/v1/services/{service}/decisions/{id}
GET  /api/v1/services/{service}/cohorts?rollout=&after=0&limit=200   what was counted, for backtests
GET  /api/v1/services/{service}/plan?rps=200&errorRate=0.01&regression=1   how long it takes
POST /api/v1/feedback                                one object, or one a line (application/x-ndjson)
POST /api/v1/reload                                  {}
GET  /api/v1/config

PUT and POST need content-type: application/json; changes take If-Match: "<revision>".
With tokens configured: Authorization: Bearer <token>.
`
