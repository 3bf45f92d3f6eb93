import { once } from 'node:events'
import { Agent, request } from 'node:http'

/** What a process that posts alone is asked for: each body once, one after the other on each connection. */
export type SinglePosts = {
  /** Of the admin API on 127.0.0.1. */
  readonly port: number
  readonly connections: number
  readonly bodies: readonly string[]
}

/** How long it took, from the first post to the last answer. */
export type SinglePosted = { readonly seconds: number }

const HEADERS = { 'content-type': 'application/json' }

const agent = new Agent({ keepAlive: true })

process.on('message', (posts: SinglePosts) => void postAll(posts))

async function postAll({ port, connections, bodies }: SinglePosts): Promise<void> {
  const from = performance.now()
  let next = 0
  const connection = async () => {
    while (next < bodies.length) await post(port, bodies[next++]!)
  }
  await Promise.all(Array.from({ length: connections }, connection))
  const posted: SinglePosted = { seconds: (performance.now() - from) / 1000 }
  process.send!(posted)
}

async function post(port: number, body: string): Promise<void> {
  const sent = request({
    ...{ agent, port, host: '127.0.0.1', path: '/api/v1/feedback', method: 'POST' },
    headers: { ...HEADERS, 'content-length': Buffer.byteLength(body) },
  })
  sent.end(body)
  const [answer] = await once(sent, 'response')
  answer.resume()
  await once(answer, 'end')
  if (answer.statusCode !== 200) throw new Error(`a label was answered ${answer.statusCode}`)
}
