import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import { startRedis, type RedisServer } from '../../support/redis-server.ts'
import { readSample } from './admin-api.ts'
import { buildConfig, type ServiceParts } from './config.ts'
import type { ClaimedDecision, Span } from './judge-replicas.ts'
import { startRelay, type Relay } from './relay.ts'
import { startSerin, writeConfig, type SerinGateway } from './serin-process.ts'
import { until } from './until.ts'

/** A gateway's place in the fleet: the process in it may be another one later. */
export type Place = {
  readonly relay: Relay
  gateway: SerinGateway
  /** The one that runs now, and those that ran before. */
  readonly all: SerinGateway[]
  readonly down: Span[]
  readonly excused: Span[]
  readonly start: () => Promise<void>
}

export type Fleet = {
  readonly folder: string
  readonly redis: RedisServer
  readonly places: readonly Place[]
  /** The place of the gateway that decides now. */
  readonly leader: () => Promise<Place>
  /** Waits until all of them see the store and each other. */
  readonly whole: () => Promise<void>
  /** What the logs of all processes say that they decided. */
  readonly claimed: () => readonly ClaimedDecision[]
}

/** Starts gateways with the same services on one Redis, each behind a network of its own. */
export async function startFleet(
  t: Test,
  folder: string,
  count: number,
  services: Readonly<Record<string, ServiceParts>>,
): Promise<Fleet> {
  const files = join(folder, 'redis')
  mkdirSync(files, { recursive: true })
  const redis = await startRedis(t, files, ['--auto-aof-rewrite-percentage', '0'])
  const places = await Promise.all(
    Array.from({ length: count }, async (_, n) => {
      const relay = await startRelay(t, redis.port)
      const place = join(folder, `gateway-${n}`)
      mkdirSync(place, { recursive: true })
      const store = `redis://127.0.0.1:${relay.port}/0`
      return startPlace(t, relay, writeConfig(place, buildConfig(place, services, { store })))
    }),
  )
  const leads = ({ gateway }: Place) =>
    readSample(gateway.admin, 'serin_leader').then(
      (n) => n === 1,
      () => false,
    )
  const leader = () =>
    until('one decides', async () => {
      for (const place of places) if (await leads(place)) return place
      return null
    })
  const isWhole = async () => {
    const deciding = await leader()
    if ((await readSample(deciding.gateway.admin, 'serin_replicas')) !== count) return false
    const up = places.map(({ gateway }) => readSample(gateway.admin, 'serin_store_up'))
    return (await Promise.all(up)).every((sample) => sample === 1)
  }
  const whole = async () => {
    // One that stood still closes the connections that were kept with it.
    await until('all are there', () => isWhole().catch(() => false))
  }
  const claimed = () => places.flatMap(({ all }) => all.flatMap(decisionsOf))
  return { folder: files, redis, places, leader, whole, claimed }
}

async function startPlace(t: Test, relay: Relay, file: string): Promise<Place> {
  const gateway = await startSerin(t, file)
  const all = [gateway]
  const place: Place = {
    ...{ relay, gateway, all, down: [], excused: [] },
    start: async () => {
      place.gateway = await startSerin(t, file)
      all.push(place.gateway)
    },
  }
  return place
}

function decisionsOf({ pid, logs }: SerinGateway): readonly ClaimedDecision[] {
  return logs().flatMap(({ decision }) => {
    // Other lines have the number of a decision alone.
    if (typeof decision !== 'object' || decision === null) return []
    const { service, id } = decision as { readonly service: string; readonly id: number }
    return [{ pid, service, id }]
  })
}
