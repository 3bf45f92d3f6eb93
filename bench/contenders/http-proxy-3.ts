/** http-proxy-3 as it comes, with a keep-alive agent: without one it connects anew for each request. */
import { Agent, createServer, type ServerResponse } from 'node:http'
import { createProxyServer } from 'http-proxy-3'
import { place } from './place.ts'

const proxy = createProxyServer({
  target: place.upstream,
  agent: new Agent({ keepAlive: true, maxSockets: place.connections }),
})
proxy.on('error', (_error, _req, res) => (res as ServerResponse).writeHead(502).end())
createServer((req, res) => proxy.web(req, res)).listen(place.port, '127.0.0.1')
