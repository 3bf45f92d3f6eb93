/** @fastify/http-proxy as it comes, with retries, pipelining and logs off. `node http-proxy.js <port> <upstream port>` */
import httpProxy from '@fastify/http-proxy'
import fastify from 'fastify'
import { UPSTREAM_CONNECTIONS } from '../nginx-config.ts'

const [port, upstreamPort] = process.argv.slice(2)
const app = fastify({ logger: false })
await app.register(httpProxy, {
  upstream: `http://127.0.0.1:${upstreamPort}`,
  undici: { connections: UPSTREAM_CONNECTIONS, pipelining: 1 },
  disableRequestLogging: true,
  replyOptions: { retryDelay: () => null },
})
await app.listen({ host: '127.0.0.1', port: Number(port) })
process.once('SIGTERM', () => {
  app.server.closeAllConnections()
  void app.close()
})
