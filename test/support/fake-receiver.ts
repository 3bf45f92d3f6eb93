import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Test } from 'tap'

/** A POST as a webhook's receiver sees it. */
export type ReceivedPost = {
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

/** What a receiver does with a post: a status, or something worse. */
export type Reception =
  | number
  | 'reset'
  | 'silence'
  | { readonly status: number; readonly headers: Readonly<Record<string, string>> }

/** A receiver of webhooks on a free port; it ends with the test. */
export type FakeReceiver = {
  readonly url: string
  readonly posts: ReceivedPost[]
  /** Receptions of the next posts, in order; then `otherwise`. */
  readonly script: Reception[]
  otherwise: Reception
  /** Whether nobody is connected: all that was sent before has been read. */
  readonly isAlone: () => Promise<boolean>
}

/** Starts a receiver that answers 200. */
export async function startReceiver(t: Test): Promise<FakeReceiver> {
  const posts: ReceivedPost[] = []
  const script: Reception[] = []
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const body = Buffer.concat(chunks).toString()
      posts.push({ path: request.url!, headers: request.headers, body })
      receive(script.shift() ?? receiver.otherwise, response)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  const receiver: FakeReceiver = {
    ...{ url: `http://127.0.0.1:${port}`, posts, script },
    otherwise: 200,
    isAlone: () =>
      new Promise((resolve, reject) => {
        server.getConnections((error, count) => (error ? reject(error) : resolve(count === 0)))
      }),
  }
  return receiver
}

function receive(reception: Reception, response: ServerResponse): void {
  if (reception === 'silence') return
  if (reception === 'reset') response.socket!.resetAndDestroy()
  else if (typeof reception === 'number') response.writeHead(reception).end('so be it')
  else response.writeHead(reception.status, reception.headers).end()
}
