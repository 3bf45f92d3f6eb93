/**
 * A model server as a process of its own, for mirrors that die: `node mirror-model.js <port>`. It answers at once, but below
 * `/m/slow` only from SIGUSR2 on. It says when it listens.
 */
import { createServer, type ServerResponse } from 'node:http'

let held: ServerResponse[] | null = []
process.on('SIGUSR2', () => {
  for (const res of held ?? []) answer(res)
  held = null
})
const server = createServer((req, res) => {
  req.resume()
  if (held !== null && req.url!.startsWith('/m/slow')) held.push(res)
  else answer(res)
})
server.listen(Number(process.argv[2]), '127.0.0.1', () => process.stdout.write('listening\n'))

function answer(res: ServerResponse): void {
  res.writeHead(200, { 'content-type': 'application/json' }).end('{"p":2}')
}
