/** fast-proxy as it comes: its own keep-alive agent. */
import { createServer } from 'node:http'
import fastProxy from 'fast-proxy'
import { place } from './place.ts'

const forwarder = fastProxy({ base: place.upstream, maxSockets: place.connections })
createServer((req, res) => forwarder.proxy(req, res, req.url!, {})).listen(place.port, '127.0.0.1')
