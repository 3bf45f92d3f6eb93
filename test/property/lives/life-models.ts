import type { ServerResponse } from 'node:http'
import { startUpstream, type FakeUpstream } from '../../support/fake-upstream.ts'
import type { Origins } from './draw-service.ts'

/** What a model does with a request. `held`: it answers well when it is told to. */
export type Deed = 'ok' | 'failed' | 'refused' | 'unreadable' | 'broken' | 'held'

/** What becomes of a request at the model that it comes to: baseline, canary, and the third. */
export type Fate = { readonly deeds: readonly Deed[]; readonly scores: readonly number[] }

/** Header in which a request brings its fate along. */
export const FATE = 'x-fate'

/** Models that do as each request says, and who answers metrics of other systems. */
export type LifeModels = {
  readonly origins: Origins
  /** Resolves when one of the models has that request. */
  readonly arrived: (requestId: string) => Promise<void>
  /** Answers what is held. */
  readonly release: () => void
  /** What the judge says from now on: null = an error. */
  judged: number | null
  readonly close: () => Promise<void>
}

/** Starts them, on ports of their own. */
export async function startModels(): Promise<LifeModels> {
  const held = new Set<() => void>()
  const waiting = new Map<string, () => void>()
  const model = (index: number) =>
    startUpstream((_req, res, { headers }) => {
      waiting.get(String(headers['x-request-id']))?.()
      const { deeds, scores } = JSON.parse(String(headers[FATE])) as Fate
      const body = JSON.stringify({ score: scores[index] })
      if (deeds[index] === 'held') held.add(() => answer(res, 200, body))
      else perform(res, deeds[index]!, body)
    })
  const models = [await model(0), await model(1), await model(2)] as const
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
      models: [models[0].origin, models[1].origin, models[2].origin],
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
    judged: 0,
    close: async () => {
      all.release()
      await Promise.all(servers.map((server) => server.close()))
    },
  }
  return all
}

function perform(res: ServerResponse, deed: Exclude<Deed, 'held'>, body: string): void {
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
