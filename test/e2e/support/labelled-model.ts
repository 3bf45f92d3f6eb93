/**
 * A model server as a process of its own, for canaries that are judged by labels: `node labelled-model.js
 * <factor>`. The request says what is true (`y`) and how far off the baseline is (`error`); the answer is
 * off by that times the factor. It takes a free port, and prints which.
 */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { json } from 'node:stream/consumers'

const factor = Number(process.argv[2])
const server = createServer((req, res) => {
  const answer = async () => {
    const { y, error } =
      req.method === 'POST' ? ((await json(req)) as Question) : { y: 0, error: 0 }
    const body = JSON.stringify({ p: y + factor * error })
    res.writeHead(200, { 'content-type': 'application/json' }).end(body)
  }
  void answer()
})
server.listen(0, '127.0.0.1', () => {
  process.stdout.write(`${(server.address() as AddressInfo).port}\n`)
})

type Question = { readonly y: number; readonly error: number }
