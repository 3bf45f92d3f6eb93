/**
 * A model server as a process of its own, for canaries in a mirror: `node stepped-model.js <value>`. It
 * answers 200 and the number, takes a free port, and prints which.
 */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

const value = Number(process.argv[2])
const server = createServer((req, res) => {
  req.resume()
  res.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ p: value }))
})
server.listen(0, '127.0.0.1', () => {
  process.stdout.write(`${(server.address() as AddressInfo).port}\n`)
})
