import { readFileSync } from 'node:fs'
import { createServer, request } from 'node:http'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { parse } from 'yaml'

/** What the stub does: plays a script of two rollouts, dies in the middle, or never gets ready. */
export type StubManner = 'as-expected' | 'never-promotes' | 'dies' | 'never-ready'

type Upstreams = { readonly upstreams: readonly [string] }

/**
 * Stands where a gateway would: reads the generated configuration, forwards to the real model servers
 * with a coin of its own, and answers the admin API by a script. For testing the demo, not the gateway.
 * @public A script that a test writes imports it.
 */
export function runStubGateway(argv: readonly string[], manner: StubManner): void {
  const config = parse(readFileSync(argv.at(-1)!, 'utf8')) as {
    readonly gateway: { readonly listen: string }
    readonly admin: { readonly listen: string }
    readonly services: Readonly<
      Record<
        string,
        { readonly variants: { readonly baseline: Upstreams; readonly canary: Upstreams } }
      >
    >
  }
  console.log('stub gateway: started')
  let requests = 0
  let batches = 0
  const data = createServer((incoming, outgoing) => {
    requests += 1
    if (manner === 'dies' && requests > 20) process.exit(3)
    const service = config.services[incoming.url!.split('/')[3]!]!
    const variant = requests % 4 === 0 ? 'canary' : 'baseline'
    forward(service.variants[variant].upstreams[0], variant, incoming, outgoing)
  })
  const admin = createServer((incoming, outgoing) => {
    void readText(incoming).then((text) => {
      const path = incoming.url!
      if (path === '/api/v1/feedback') batches += 1
      // The second batch of feedback is sent when the first was answered: then that is booked.
      const isOver = manner === 'as-expected' && requests > 100 && batches > 1
      outgoing.statusCode = manner === 'never-ready' ? 503 : 200
      outgoing.end(JSON.stringify(answer(path, text, isOver)))
    })
  })
  listen(data, config.gateway.listen)
  listen(admin, config.admin.listen)
  process.on('SIGTERM', () => process.exit(0))
}

function answer(path: string, text: string, isOver: boolean): unknown {
  if (path === '/readyz') return { ready: true }
  if (path === '/api/v1/feedback') {
    const joined = text.trim().split('\n').length
    return { joined, unmatched: 0, late: 0, duplicate: 0, unscored: 0, rejected: [] }
  }
  const name = path.split('/')[4]!
  const [action, phase] =
    name === 'mpg-better' ? ['promote', 'promoted'] : ['rollback', 'rolled-back']
  if (path.includes('/decisions')) {
    const common = { service: name, reason: 'rmse', at: new Date().toISOString() }
    const started = { ...common, id: 1, action: 'start', summary: 'It starts at 5 %.' }
    const ended = { ...common, id: 2, action, summary: 'It ended because of the evidence.' }
    return { decisions: isOver ? [ended, started] : [started] }
  }
  return {
    name,
    revision: isOver ? 2 : 1,
    phase: isOver ? phase : 'progressing',
    step: { index: 0, of: 4 },
    pause: null,
    weights: { baseline: 75, canary: 25 },
    variants: { baseline: { version: '1.4' }, canary: { version: '2.0' } },
    metrics: [],
    missing: ['rmse: not enough labels yet'],
  }
}

function forward(
  origin: string,
  variant: string,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
): void {
  const { hostname, port } = new URL(origin)
  const { method, headers } = incoming
  const onward = request({ hostname, port, path: incoming.url, method, headers }, (answered) => {
    outgoing.writeHead(answered.statusCode!, { ...answered.headers, 'x-serin-variant': variant })
    answered.pipe(outgoing)
  })
  onward.on('error', (error) => outgoing.destroy(error))
  incoming.pipe(onward)
}

function listen(server: Server, address: string): void {
  server.listen(Number(address.split(':')[1]), '127.0.0.1')
}

async function readText(incoming: IncomingMessage): Promise<string> {
  let text = ''
  for await (const chunk of incoming) text += String(chunk)
  return text
}
