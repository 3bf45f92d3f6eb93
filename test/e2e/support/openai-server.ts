import type { ServerResponse } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import type { Test } from 'tap'
import { readJson, sendJson, startStandIn, type Protocol, type StandIn } from './stand-in.ts'

type Chat = {
  readonly model?: string
  readonly messages?: readonly object[]
  readonly stream?: boolean
  readonly stream_options?: { readonly include_usage?: boolean }
}

/** The server of a language model, and how it talks. */
export type OpenAiServer = StandIn & {
  /** Tokens of an answer. */
  tokens: number
  /** How long a stream thinks before its first token, and takes for each later one, in ms; its head leaves at once. */
  firstTokenMs: number
  tokenMs: number
  /** A stream breaks off after its first token. */
  breaksOff: boolean
  /** A stream ends with an error, as where the engine dies. */
  failsWithin: boolean
  /** A stream goes on when this resolves; given how many tokens it has sent. */
  afterTokens: (sent: number) => Promise<unknown>
}

/**
 * Starts a server of the chat completions of OpenAI's API (platform.openai.com/docs/api-reference/chat) as vLLM serves
 * them (docs.vllm.ai, "OpenAI-Compatible Server"): `/health`, `/v1/models`, `/v1/chat/completions` whole or as a stream of
 * server-sent events with one `chat.completion.chunk` for each token, `data: [DONE]` at its end, usage in a chunk of its own
 * where `stream_options` asks for it (null in the others then), and errors as `{"error": {"message", "type", "param",
 * "code"}}`, those within a stream as an event.
 */
export async function startOpenAi(t: Test, version: string): Promise<OpenAiServer> {
  const server: OpenAiServer = Object.assign(
    await startStandIn(t, [version], (request, res, standIn, fails) =>
      api(request, res, standIn, fails, server),
    ),
    {
      ...{ tokens: 8, firstTokenMs: 0, tokenMs: 0 },
      ...{ breaksOff: false, failsWithin: false, afterTokens: () => Promise.resolve() },
    },
  )
  return server
}

function api(
  request: Parameters<Protocol>[0],
  res: ServerResponse,
  standIn: StandIn,
  fails: (version: string) => boolean,
  server: OpenAiServer,
): void {
  const [version] = Object.keys(standIn.behaviour) as [string]
  if (request.url === '/health') {
    return void res.writeHead(standIn.ready ? 200 : 503, { 'content-length': 0 }).end()
  }
  if (request.url === '/v1/models') {
    const model = { id: 'chat', object: 'model', created: 1_767_225_600, owned_by: 'vllm' }
    return sendJson(res, 200, { object: 'list', data: [model] })
  }
  const refuse = (code: number, type: string, message: string) =>
    sendJson(res, code, { error: { message, type, param: null, code } })
  if (request.url !== '/v1/chat/completions') return refuse(404, 'NotFoundError', 'Not Found')
  const chat = readJson(request) as Chat | null
  if (chat?.messages === undefined) {
    return refuse(400, 'BadRequestError', "[{'type': 'missing', 'loc': ('body', 'messages')}]")
  }
  if (chat.model !== 'chat') {
    return refuse(404, 'NotFoundError', `The model \`${chat.model}\` does not exist.`)
  }
  if (fails(version)) return refuse(500, 'InternalServerError', 'EngineCore encountered an issue.')
  void answer(chat, res, server)
}

async function answer(chat: Chat, res: ServerResponse, server: OpenAiServer): Promise<void> {
  const { tokens } = server
  const about = { id: 'chatcmpl-1', created: 1_767_225_600, model: 'chat' }
  const usage = { prompt_tokens: 9, completion_tokens: tokens, total_tokens: 9 + tokens }
  if (chat.stream !== true) {
    const message = { role: 'assistant', content: 'tok '.repeat(tokens) }
    const choices = [{ index: 0, message, finish_reason: 'stop' }]
    return sendJson(res, 200, { ...about, object: 'chat.completion', choices, usage })
  }
  res.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' })
  const saysUsage = chat.stream_options?.include_usage === true
  const chunk = { ...about, object: 'chat.completion.chunk', ...(saysUsage ? { usage: null } : {}) }
  const sendData = (data: object) => res.write(`data: ${JSON.stringify(data)}\n\n`)
  const send = (part: object) => sendData({ ...chunk, ...part })
  res.flushHeaders()
  for (let n = 0; n < tokens; n++) {
    const thinksMs = n === 0 ? server.firstTokenMs : server.tokenMs
    if (thinksMs > 0) await delay(thinksMs)
    const delta = { ...(n === 0 ? { role: 'assistant' } : {}), content: 'tok ' }
    send({ choices: [{ index: 0, delta, finish_reason: null }] })
    await server.afterTokens(n + 1)
    if (server.breaksOff) return void res.destroy()
  }
  if (server.failsWithin) {
    const message = 'EngineCore encountered an issue.'
    sendData({ error: { message, type: 'InternalServerError', param: null, code: 500 } })
    return void res.end('data: [DONE]\n\n')
  }
  send({ choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] })
  if (saysUsage) send({ choices: [], usage })
  res.end('data: [DONE]\n\n')
}
