import t from 'tap'
import { execFile } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import type { ServerResponse } from 'node:http'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { promisify } from 'node:util'
import { request } from 'undici'
import { startStreamingUpstream } from '../support/fake-upstream.ts'
import { parseAnswer, RawConnection } from '../support/raw-client.ts'
import { buildConfig } from './support/config.ts'
import { skipWithout } from './support/programs.ts'
import { startSerin, writeConfig, type SerinGateway } from './support/serin-process.ts'

const run = promisify(execFile)

const EVERY_BYTE = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte))
const MEGABYTE = randomBytes(1024 * 1024)

type Stage = {
  readonly gateway: SerinGateway
  /** The model server's own origin. */
  readonly direct: string
  /** Targets as the model server received them. */
  readonly targets: string[]
  /** Ends the event stream that is open. */
  readonly endStream: () => void
}

let stage: Stage

t.before(async () => {
  const targets: string[] = []
  let stream: ServerResponse | null = null
  const upstream = await startStreamingUpstream((req, res) => {
    targets.push(req.url!)
    switch (req.url) {
      case '/m/binary':
        return void res.writeHead(200, { 'content-length': '256' }).end(EVERY_BYTE)
      case '/m/big':
        return void res.writeHead(200, { 'content-length': MEGABYTE.length }).end(MEGABYTE)
      case '/m/chunked':
        res.writeHead(200, { trailer: 'x-sum' })
        for (const part of ['one ', 'two ', 'three']) res.write(part)
        res.addTrailers({ 'x-sum': '13' })
        return void res.end()
      case '/m/empty':
        return void res.writeHead(204, { 'x-left': 'nothing' }).end()
      case '/m/head':
        return void res.writeHead(200, { 'content-length': '1234', etag: '"a"' }).end()
      case '/m/events':
        stream = res.writeHead(200, { 'content-type': 'text/event-stream' })
        return void res.write('data: first\n\n')
      default:
        res.writeHead(200, { 'x-length': req.headers['content-length'] ?? 'none' })
        return void req.pipe(res)
    }
  })
  const folder = t.testdir({})
  const config = buildConfig(folder, {
    m: {
      match: { path: '/m/*' },
      variants: { baseline: { version: '1', upstreams: [upstream.origin] } },
    },
  })
  const gateway = await startSerin(t, writeConfig(folder, config))
  t.teardown(upstream.close)
  const endStream = () => void stream!.end('data: last\n\n')
  stage = { gateway, direct: upstream.origin, targets, endStream }
})

const sha = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex')

async function get(origin: string, path: string, method: 'GET' | 'HEAD' = 'GET') {
  const answer = await request(`${origin}${path}`, { method, headers: { te: 'trailers' } })
  const { statusCode, headers } = answer
  const body = Buffer.from(await answer.body.arrayBuffer())
  return { status: statusCode, headers, body, trailers: answer.trailers }
}

/** The fields of an answer that a proxy has no business with. */
function endToEnd(headers: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const own = ['connection', 'keep-alive', 'date', 'via', 'x-serin-variant', 'x-request-id']
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !own.includes(name)))
}

t.test('Answers come through unchanged, and say which variant made them.', async (t) => {
  const { gateway, direct } = stage
  for (const path of ['/m/binary', '/m/big', '/m/chunked', '/m/empty']) {
    const theirs = await get(direct, path)
    const ours = await get(gateway.data, path)
    t.equal(ours.status, theirs.status, path)
    t.equal(sha(ours.body), sha(theirs.body), `${path}: ${ours.body.length} bytes`)
    t.same(endToEnd(ours.headers), endToEnd(theirs.headers), `${path}: headers`)
    t.same(ours.trailers, theirs.trailers, `${path}: trailers`)
    t.equal(ours.headers['x-serin-variant'], 'baseline')
    t.match(ours.headers['x-request-id'], /^[0-9a-f-]{36}$/)
  }
})

t.test('HEAD has the length of the body that it does not have.', async (t) => {
  const { gateway } = stage
  const { status, headers, body } = await get(gateway.data, '/m/head', 'HEAD')
  t.equal(status, 200)
  t.match(headers, { 'content-length': '1234', etag: '"a"', 'x-serin-variant': 'baseline' })
  t.equal(body.length, 0)
})

t.test('Request bodies arrive unchanged, with a length and in chunks.', async (t) => {
  const { gateway } = stage
  for (const body of [EVERY_BYTE, MEGABYTE]) {
    const answer = await request(`${gateway.data}/m/echo`, { method: 'POST', body })
    t.equal(answer.headers['x-length'], String(body.length))
    t.equal(sha(Buffer.from(await answer.body.arrayBuffer())), sha(body))
  }
  const chunks = Array.from({ length: 16 }, (_, i) => MEGABYTE.subarray(i << 16, (i + 1) << 16))
  const body = Readable.from(chunks)
  const chunked = await request(`${gateway.data}/m/echo`, { method: 'POST', body })
  t.equal(chunked.headers['x-length'], 'none')
  t.equal(sha(Buffer.from(await chunked.body.arrayBuffer())), sha(MEGABYTE))
})

t.test('The first event of a stream arrives before its end.', async (t) => {
  const { gateway, endStream } = stage
  const { body, headers } = await request(`${gateway.data}/m/events`)
  t.equal(headers['content-type'], 'text/event-stream')
  let text = ''
  for await (const chunk of body) {
    text += String(chunk)
    if (text === 'data: first\n\n') endStream()
  }
  t.equal(text, 'data: first\n\ndata: last\n\n')
})

t.test('The target goes through byte by byte, and a request id is kept.', async (t) => {
  const { gateway, targets } = stage
  const target = '/m/%7Eu/a%2fb;p=1//c/%e4?x=%41&y=a+b&&z'
  const connection = new RawConnection(Number(new URL(gateway.data).port))
  t.teardown(() => connection.close())
  connection.send(
    `GET ${target} HTTP/1.1\r\nHost: a\r\nX-Request-Id: mine-1\r\nConnection: close\r\n\r\n`,
  )
  const answer = parseAnswer(await connection.closed())
  t.equal(answer.status, 200)
  t.equal(answer.field('x-request-id'), 'mine-1')
  t.equal(targets.at(-1), target)
})

const curlTest = 'curl sees the same bytes as without the gateway.'
t.test(curlTest, skipWithout('curl'), async (t) => {
  const { gateway, direct } = stage
  const curl = async (...args: string[]): Promise<Buffer> => {
    const options = { encoding: 'buffer', maxBuffer: 4 * 1024 * 1024 } as const
    return (await run('curl', ['--silent', '--show-error', '--max-time', '30', ...args], options))
      .stdout
  }
  for (const path of ['/m/binary', '/m/big', '/m/chunked', '/m/empty']) {
    const [theirs, ours] = [await curl(`${direct}${path}`), await curl(`${gateway.data}${path}`)]
    t.equal(sha(ours), sha(theirs), `${path}: ${ours.length} bytes`)
  }
  const head = String(await curl('--head', `${gateway.data}/m/head`))
  t.match(head, /^HTTP\/1\.1 200 OK\r\n/)
  t.match(head, /^content-length: 1234\r$/im)
  t.match(head, /^x-serin-variant: baseline\r$/im)
  const file = join(t.testdir({ body: MEGABYTE }), 'body')
  const sent = await curl('--data-binary', `@${file}`, `${gateway.data}/m/echo`)
  t.equal(sha(sent), sha(MEGABYTE))
})
