import { Redis } from 'ioredis'

/** All that a Redis had at one moment. */
export type RedisCopy = readonly {
  readonly key: string
  readonly value: Buffer
  /** Milliseconds that it had left; 0 = it stays. */
  readonly ttlMs: number
}[]

/** Copies everything. */
export function copyRedis(port: number): Promise<RedisCopy> {
  return withClient(port, async (client) => {
    const keys = await client.keys('*')
    const copied = keys.map(async (key) => {
      const [value, ttlMs] = await Promise.all([client.dumpBuffer(key), client.pttl(key)])
      return { key, value, ttlMs: Math.max(0, ttlMs) }
    })
    return (await Promise.all(copied)).flatMap(({ value, ...rest }) =>
      value === null ? [] : [{ ...rest, value }],
    )
  })
}

/** A copy takes the place of everything, and whoever was connected is cut off: as where a replica became the master. */
export function putCopy(port: number, copy: RedisCopy): Promise<void> {
  return withClient(port, async (client) => {
    const put = client.multi().flushall()
    for (const { key, value, ttlMs } of copy) put.restore(key, ttlMs, value)
    put.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes')
    const answers = await put.exec()
    for (const [error] of answers!) if (error !== null) throw error
  })
}

async function withClient<T>(port: number, work: (client: Redis) => Promise<T>): Promise<T> {
  const client = new Redis({ port })
  try {
    return await work(client)
  } finally {
    client.disconnect()
  }
}
