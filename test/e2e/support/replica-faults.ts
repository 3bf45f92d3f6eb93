import { setTimeout as delay } from 'node:timers/promises'
import type { Fleet, Place } from './replica-fleet.ts'

/** What can happen to gateways on one Redis. */
export const FAULTS = [
  'the leader is killed',
  'the leader stands still past its lease',
  'Redis is restarted',
  'Redis is away',
  'a gateway is cut off',
  'what a gateway sends to Redis is lost',
] as const

export type Fault = (typeof FAULTS)[number]

/** Longer than the lease, which is 5 s. */
const PAST_LEASE_MS = 5500

/** A gateway finds its way back long before: silence is noticed after 4 s, and attempts are a second apart. */
const RECOVERY_MS = 8000

/** Makes it happen, and heals it again; what it explains is written down at the places that it befalls. */
export async function cause(fault: Fault, fleet: Fleet, draw: () => number): Promise<void> {
  const { redis, places } = fleet
  switch (fault) {
    case 'the leader is killed': {
      const place = await fleet.leader()
      await during([place], 'down', async () => {
        place.gateway.kill('SIGKILL')
        await place.gateway.ended
        await delay(draw() * 4000)
        await place.start()
      })
      return
    }
    case 'the leader stands still past its lease': {
      const place = await fleet.leader()
      await during([place], 'excused', async () => {
        place.gateway.kill('SIGSTOP')
        await delay(PAST_LEASE_MS + draw() * 2000)
        place.gateway.kill('SIGCONT')
      })
      return
    }
    case 'Redis is restarted':
    case 'Redis is away':
      await during(places, 'excused', async () => {
        await redis.kill()
        if (fault === 'Redis is away') await delay(500 + draw() * 6500)
        await redis.start()
      })
      return
    case 'a gateway is cut off':
    case 'what a gateway sends to Redis is lost': {
      const place = places[Math.floor(draw() * places.length)]!
      await during([place], 'excused', async () => {
        if (fault === 'a gateway is cut off') place.relay.cut()
        else place.relay.swallow()
        await delay(500 + draw() * 6500)
        place.relay.heal()
      })
    }
  }
}

async function during(
  befallen: readonly Place[],
  kind: 'down' | 'excused',
  happen: () => Promise<void>,
): Promise<void> {
  const from = Date.now()
  await happen()
  const to = Date.now() + (kind === 'excused' ? RECOVERY_MS : 0)
  for (const place of befallen) place[kind].push({ from, to })
}
