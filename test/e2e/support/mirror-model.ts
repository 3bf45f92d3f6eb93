/**
 * A model server as a process of its own, for mirrors that die: `node mirror-model.js <port> <slow ms>`. It
 * answers at once, below `/m/slow` after that time. Port 0: it takes a free one, and prints which.
 */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

const [port, slowMs] = process.argv.slice(2).map(Number)
const server = createServer((req, res) => {
  req.resume()
  setTimeout(
    () => res.writeHead(200, { 'content-type': 'application/json' }).end('{"p":2}'),
    req.url!.startsWith('/m/slow') ? slowMs : 0,
  )
})
server.listen(port, '127.0.0.1', () => {
  process.stdout.write(`${(server.address() as AddressInfo).port}\n`)
})
