import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import type { Test } from 'tap'

/** A TCP relay on loopback: the network between one client and one server, and what can happen to it. */
export type Relay = {
  readonly port: number
  /** Resets all connections and takes no new ones. */
  readonly cut: () => void
  /** Passes nothing on any more, in either direction, and tells nobody. */
  readonly swallow: () => void
  /** New connections pass; what was swallowed never arrives. */
  readonly heal: () => void
}

/** Starts a relay to a port of loopback. */
export async function startRelay(t: Test, to: number): Promise<Relay> {
  let state: 'whole' | 'cut' | 'swallowing' = 'whole'
  const open = new Set<Socket>()
  const server = createServer((client) => {
    client.on('error', () => {})
    if (state === 'cut') return void client.resetAndDestroy()
    const upstream = connect(to, '127.0.0.1')
    let isLost = false
    for (const [from, into] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      open.add(from)
      from.on('data', (bytes) => {
        // A connection of which something was swallowed is of no use any more.
        if (state === 'swallowing') isLost = true
        if (!isLost && into.writable) into.write(bytes)
      })
      from.on('error', () => {})
      from.on('close', () => {
        open.delete(from)
        into.destroy()
      })
    }
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(async () => {
    for (const socket of open) socket.destroy()
    await new Promise((resolve) => server.close(resolve))
  })
  return {
    port: (server.address() as AddressInfo).port,
    cut: () => {
      state = 'cut'
      for (const socket of open) socket.resetAndDestroy()
    },
    swallow: () => {
      state = 'swallowing'
    },
    heal: () => {
      state = 'whole'
    },
  }
}
