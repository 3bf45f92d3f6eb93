import { setTimeout as delay } from 'node:timers/promises'
import { Agent, request } from 'undici'

/** How answers came to clients that send at a fixed rate, whatever the answers do. */
export type PacedResult = {
  readonly sent: number
  /** Answers other than 200, and requests without one, by status or error code. */
  readonly wrong: Readonly<Record<string, number>>
  readonly p50Ms: number
  readonly p99Ms: number
}

/** A slow answer is waited for this long. */
const PATIENCE_MS = 20_000

/** Sends a request every `1 / perSecond` seconds for `seconds`; each time counts from when it was due. */
export async function runPaced(
  url: string,
  perSecond: number,
  seconds: number,
): Promise<PacedResult> {
  const agent = new Agent({ connections: 50 })
  const wrong: Record<string, number> = {}
  const times: number[] = []
  const send = async (dueAt: number) => {
    try {
      const answer = await request(url, {
        method: 'POST',
        dispatcher: agent,
        headers: { 'content-type': 'application/json' },
        headersTimeout: PATIENCE_MS,
        body: '{"user":"u1"}',
      })
      await answer.body.dump()
      if (answer.statusCode !== 200) wrong[answer.statusCode] = (wrong[answer.statusCode] ?? 0) + 1
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code ?? String(error)
      wrong[code] = (wrong[code] ?? 0) + 1
    }
    times.push(performance.now() - dueAt)
  }
  const start = performance.now()
  const total = Math.round(perSecond * seconds)
  const running: Promise<void>[] = []
  for (let n = 0; n < total; n++) {
    const dueAt = start + (n * 1_000) / perSecond
    const wait = dueAt - performance.now()
    if (wait > 0) await delay(wait)
    running.push(send(dueAt))
  }
  await Promise.all(running)
  await agent.close()
  times.sort((a, b) => a - b)
  const at = (share: number) => times[Math.min(times.length - 1, Math.floor(times.length * share))]!
  return { sent: total, wrong, p50Ms: at(0.5), p99Ms: at(0.99) }
}
