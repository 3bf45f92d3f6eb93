import type { ServerResponse } from 'node:http'
import { startUpstream, type FakeUpstream } from '../../support/fake-upstream.ts'
import type { Origins } from './draw-service.ts'

/** What a model does with a request. `held`: it answers well when it is told to; `streamed`: it begins, and goes on then. */
export type Deed = 'ok' | 'failed' | 'refused' | 'unreadable' | 'broken' | 'held' | 'streamed'

/** What becomes of a request at the model that it comes to: baseline, canary, and the third. */
export type Fate = { readonly deeds: readonly Deed[]; readonly scores: readonly number[] }

/** Header in which a request brings its fate along. */
export const FATE = 'x-fate'

/** How many servers of models there are: one for each variant, and a second one of baseline and canary. */
export const SERVERS = 5

/** Where health checks ask. */
export const HEALTH_PATH = '/health'

/** Models that do as each request says, and who answers metrics of other systems. */
export type LifeModels = {
  readonly origins: Origins
  /** Resolves when one of the models has that request. */
  readonly arrived: (requestId: string) => Promise<void>
  /** Answers what is held. */
  readonly release: () => void
  /** All servers are up from now on, and nothing is held any more: also what is sent again since its server went down. */
  readonly recover: () => void
  /** Servers that are down from now on, by their place among all of `SERVERS`: who connects is cut off. */
  readonly fell: (places: readonly number[]) => void
  /** What the judge says from now on: null = an error. */
  judged: number | null
  readonly close: () => Promise<void>
}

/** Starts them, on ports of their own. */
export async function startModels(): Promise<LifeModels> {
  const held = new Set<() => void>()
  const waiting = new Map<string, () => void>()
  const down = new Set<number>()
  let holds = true
  const startModel = async (place: number) => {
    const index = place % 3
    const model = await startUpstream((_req, res, { headers, url }) => {
      if (url === HEALTH_PATH) return answer(res, 200, '')
      waiting.get(String(headers['x-request-id']))?.()
      const { deeds, scores } = JSON.parse(String(headers[FATE])) as Fate
      const body = JSON.stringify({ score: scores[index] })
      const deed = deeds[index]!
      if (deed !== 'held' && deed !== 'streamed') return perform(res, deed, body)
      const end = deed === 'held' ? () => answer(res, 200, body) : beginStream(res, body)
      if (holds) held.add(end)
      else end()
    })
    model.server.on('connection', (socket) => {
      if (down.has(place)) socket.destroy()
    })
    return model
  }
  const models: FakeUpstream[] = []
  for (let place = 0; place < SERVERS; place += 1) models.push(await startModel(place))
  const originOf = (place: number) => models[place]!.origin
  const judge = await startUpstream((_req, res, { url }) => {
    const { judged } = all
    if (judged === null) return answer(res, 500, '')
    const value = [0, String(judged)]
    const prometheus = { status: 'success', data: { resultType: 'vector', result: [{ value }] } }
    answer(res, 200, JSON.stringify(url.startsWith('/judge') ? { value: judged } : prometheus))
  })
  const servers: readonly FakeUpstream[] = [...models, judge]
  const all: LifeModels = {
    origins: {
      models: [originOf(0), originOf(1), originOf(2)],
      seconds: [originOf(3), originOf(4)],
      judge: judge.origin,
    },
    arrived: async (requestId) => {
      await new Promise<void>((resolve) => waiting.set(requestId, resolve))
      waiting.delete(requestId)
    },
    release: () => {
      for (const run of held) run()
      held.clear()
      for (const server of servers) server.seen.length = 0
    },
    recover: () => {
      holds = false
      down.clear()
      all.release()
    },
    fell: (places) => {
      down.clear()
      for (const place of places) {
        down.add(place)
        models[place]!.server.closeAllConnections()
      }
    },
    judged: 0,
    close: async () => {
      all.release()
      await Promise.all(servers.map((server) => server.close()))
    },
  }
  return all
}

/** Sends the first event of a stream; what is given back ends it. */
function beginStream(res: ServerResponse, body: string): () => void {
  res.writeHead(200, { 'content-type': 'text/event-stream' })
  res.write(`data: ${body}\n\n`)
  return () => void res.end(`data: ${body}\n\n`)
}

function perform(
  res: ServerResponse,
  deed: Exclude<Deed, 'held' | 'streamed'>,
  body: string,
): void {
  switch (deed) {
    case 'ok':
      return answer(res, 200, body)
    case 'failed':
      return answer(res, 500, '{}')
    case 'refused':
      return answer(res, 422, '{}')
    case 'unreadable':
      return answer(res, 200, 'no JSON')
    case 'broken':
      res.destroy()
  }
}

function answer(res: ServerResponse, status: number, body: string): void {
  res.writeHead(status, { 'content-type': 'application/json' })
  res.end(body)
}
