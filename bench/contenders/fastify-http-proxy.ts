/** @fastify/http-proxy as it comes, with retries, pipelining and logs off. */
import httpProxy from '@fastify/http-proxy'
import fastify from 'fastify'
import { place } from './place.ts'

const app = fastify({ logger: false })
await app.register(httpProxy, {
  upstream: place.upstream,
  undici: { connections: place.connections, pipelining: 1 },
  disableRequestLogging: true,
  replyOptions: { retryDelay: () => null },
})
await app.listen({ host: '127.0.0.1', port: place.port })
