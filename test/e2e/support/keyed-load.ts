import { setTimeout as delay } from 'node:timers/promises'
import type { Test } from 'tap'
import { Agent, request } from 'undici'

/** One request of a key, as its user saw it. Times in ms since the epoch. */
export type KeyedRequest = {
  readonly gateway: number
  readonly service: string
  readonly key: string
  readonly startedAt: number
  readonly endedAt: number
  /** Null = there was no answer. */
  readonly status: number | null
  readonly variant: string | null
}

/** Requests of keys to several gateways, all of them written down. */
export type KeyedLoad = {
  readonly requests: readonly KeyedRequest[]
  /** Keys that were sent to a service, answered or not. */
  readonly keys: (service: string) => number
  /** Asks one gateway once. */
  readonly ask: (gateway: number, service: string, key: string) => Promise<KeyedRequest>
  readonly stop: () => Promise<void>
}

/** Each key is asked for so many times in a row, at whichever gateway has its turn. */
const PER_KEY = 2
/** Of one gateway. */
const GAP_MS = 40

/**
 * Asks each of the gateways about 25 times a second for the services in turn, with ever new keys that come twice,
 * to the same gateway or another. `data` gives where a gateway listens now.
 */
export function startKeyedLoad(
  t: Test,
  data: readonly (() => string)[],
  services: readonly string[],
  name: string,
): KeyedLoad {
  const agent = new Agent({ connections: 16 })
  const requests: KeyedRequest[] = []
  const keys = new Map(services.map((service) => [service, new Set<string>()]))
  let isRunning = true
  let sent = 0

  const ask = async (gateway: number, service: string, key: string): Promise<KeyedRequest> => {
    keys.get(service)!.add(key)
    const startedAt = Date.now()
    const of = { gateway, service, key, startedAt }
    const made = await request(`${data[gateway]!()}/${service}/x`, {
      dispatcher: agent,
      headers: { 'x-user-id': key },
    }).then(
      async (answer) => {
        await answer.body.dump()
        const variant = String(answer.headers['x-serin-variant'])
        return { ...of, endedAt: Date.now(), status: answer.statusCode, variant }
      },
      () => ({ ...of, endedAt: Date.now(), status: null, variant: null }),
    )
    requests.push(made)
    return made
  }
  const visit = async (gateway: number): Promise<void> => {
    while (isRunning) {
      const service = services[sent % services.length]!
      const key = `${name}-${Math.floor(sent / (PER_KEY * services.length))}`
      sent += 1
      await Promise.all([ask(gateway, service, key), delay(GAP_MS)])
    }
  }
  const visits = Promise.all(data.map((_, gateway) => visit(gateway)))
  const stop = async () => {
    isRunning = false
    await visits
  }
  t.teardown(async () => {
    await stop()
    await agent.close()
  })
  return { requests, keys: (service) => keys.get(service)!.size, ask, stop }
}
