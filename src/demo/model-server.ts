import { createServer } from 'node:http'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { parseInferenceRequest } from './inference-request.ts'
import type { Model } from './train-model.ts'

/** The model that is served, and what is wrong with its serving. */
export type ModelServerOptions = {
  readonly name: string
  readonly version: string
  readonly model: Model
  readonly featureCount: number
  /** What the serving side does to the features before the model sees them; a skew, if it is wrong. */
  readonly serve: (features: readonly number[]) => readonly number[]
  /** Asked once per inference: true = the server cannot answer (500). */
  readonly isOutOfOrder: () => boolean
}

/** A model server that is listening. */
export type ModelServer = { readonly port: number; readonly close: () => Promise<void> }

const MAX_BODY_BYTES = 1024 * 1024

/**
 * Serves one model by the Open Inference Protocol v2 over HTTP on a free port of 127.0.0.1: `/v2`,
 * `/v2/health/live|ready`, `/v2/models/{m}[/versions/{v}][/ready]` and `POST …/infer`. Bad input is
 * answered 4xx with `{"error"}`. `close` drops what is still open.
 */
export async function createModelServer(options: ModelServerOptions): Promise<ModelServer> {
  const server = createServer((request, response) => {
    answer(options, request).then(
      ({ status, body }) => send(response, status, body),
      (error: unknown) => {
        if (error instanceof BadInput) send(response, error.status, { error: error.message })
        else response.destroy(error as Error)
      },
    )
  })
  // Longer than any gateway keeps an idle connection: who closes first must not be the server.
  server.keepAliveTimeout = 120_000
  const port = await listen(server)
  return {
    port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

type Answer = { readonly status: number; readonly body: unknown }

class BadInput extends Error {
  readonly status: number
  constructor(status: number, message: string) {
    super(message)
    this.status = status
  }
}

async function answer(options: ModelServerOptions, request: IncomingMessage): Promise<Answer> {
  const path = request.url!.split('?', 1)[0]!
  if (path === '/v2') return ok({ name: 'serin-demo-model-server', version: '1', extensions: [] })
  if (path === '/v2/health/live') return ok({ live: true })
  if (path === '/v2/health/ready') return ok({ ready: true })
  const match = /^\/v2\/models\/([^/]+)(?:\/versions\/([^/]+))?(\/ready|\/infer)?$/.exec(path)
  if (match === null) throw new BadInput(404, `no such path: ${path}`)
  const [, name, version, verb] = match
  if (name !== options.name) throw new BadInput(404, `no such model: ${name}`)
  if (version !== undefined && version !== options.version) {
    throw new BadInput(404, `no such version of ${options.name}: ${version}`)
  }
  if (verb === '/ready') return ok({ name: options.name, ready: true })
  if (verb === undefined) return ok(describe(options))
  if (request.method !== 'POST') throw new BadInput(405, 'infer takes POST')
  return infer(options, await readBody(request))
}

function infer(options: ModelServerOptions, body: string): Answer {
  if (options.isOutOfOrder()) {
    return { status: 500, body: { error: 'out of memory: cannot allocate the input tensor' } }
  }
  let parsed
  try {
    parsed = parseInferenceRequest(body, options.featureCount)
  } catch (error) {
    throw new BadInput(400, (error as Error).message)
  }
  const prediction = options.model.predict(options.serve(parsed.features))
  return ok({
    model_name: options.name,
    model_version: options.version,
    ...(parsed.id === null ? {} : { id: parsed.id }),
    outputs: [{ name: 'prediction', shape: [1], datatype: 'FP64', data: [prediction] }],
  })
}

function describe(options: ModelServerOptions): unknown {
  return {
    name: options.name,
    versions: [options.version],
    platform: 'serin-demo',
    inputs: [{ name: 'features', datatype: 'FP64', shape: [1, options.featureCount] }],
    outputs: [{ name: 'prediction', datatype: 'FP64', shape: [1] }],
  }
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of request) {
    size += (chunk as Buffer).length
    if (size > MAX_BODY_BYTES)
      throw new BadInput(413, `the body is larger than ${MAX_BODY_BYTES} bytes`)
    chunks.push(chunk as Buffer)
  }
  return Buffer.concat(chunks).toString('utf8')
}

function ok(body: unknown): Answer {
  return { status: 200, body }
}

function send(response: ServerResponse, status: number, body: unknown): void {
  const text = JSON.stringify(body)
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(text),
  })
  response.end(text)
}

function listen(server: Server): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port))
  })
}
