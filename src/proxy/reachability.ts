import { connect } from 'node:net'
import { connect as connectTls } from 'node:tls'
import type { Clock } from '../domain/clock.ts'

/** How often every upstream is tried. */
const PROBE_MS = 2000

/** A server that does not accept a connection in this time cannot be reached. */
const CONNECT_MS = 1000

/** Whether an upstream accepts connections. */
export type Reachability = {
  /** From now on these origins are watched, and no others. */
  readonly watch: (origins: Iterable<string>) => void
  /** Whether one of the origins accepts connections, and for how long none has, after one did. */
  readonly of: (origins: readonly string[]) => {
    readonly ready: boolean
    readonly downForMs: number
  }
  /** Whether this origin does. */
  readonly isReachable: (origin: string) => boolean
  /** Tries every origin once; resolves when all have answered or timed out. */
  readonly probe: () => Promise<void>
  readonly close: () => void
}

type Probed = { reachable: boolean; since: number; everReachable: boolean }

/**
 * Tries to connect to every upstream every two seconds: a canary that does not run yet is not given
 * requests, and one that has gone is noticed without any.
 */
export function createReachability(
  clock: Clock,
  onChange: (origin: string, reachable: boolean) => void,
): Reachability {
  const probed = new Map<string, Probed>()
  const probe = async () => {
    await Promise.all(
      [...probed].map(async ([origin, known]) => {
        const reachable = await accepts(origin)
        if (reachable !== known.reachable) {
          known.since = clock.now()
          onChange(origin, reachable)
        }
        known.reachable = reachable
        known.everReachable ||= reachable
      }),
    )
  }
  const timer = setInterval(() => void probe(), PROBE_MS)
  timer.unref()
  return {
    watch: (origins) => {
      const wanted = new Set(origins)
      for (const origin of probed.keys()) if (!wanted.has(origin)) probed.delete(origin)
      for (const origin of wanted) {
        if (probed.has(origin)) continue
        probed.set(origin, { reachable: false, since: clock.now(), everReachable: false })
      }
    },
    of: (origins) => {
      const all = origins.map((origin) => probed.get(origin)!)
      const ready = all.some((p) => p.reachable)
      if (ready || !all.some((p) => p.everReachable)) return { ready, downForMs: 0 }
      return { ready, downForMs: clock.now() - Math.max(...all.map((p) => p.since)) }
    },
    isReachable: (origin) => probed.get(origin)?.reachable ?? false,
    probe,
    close: () => clearInterval(timer),
  }
}

function accepts(origin: string): Promise<boolean> {
  const { protocol, hostname, port } = new URL(origin)
  const host = hostname.startsWith('[') ? hostname.slice(1, -1) : hostname
  return new Promise((resolve) => {
    const socket =
      protocol === 'https:'
        ? connectTls({ host, port: Number(port || 443), servername: host })
        : connect({ host, port: Number(port || 80) })
    const end = (reachable: boolean) => {
      socket.destroy()
      resolve(reachable)
    }
    socket.setTimeout(CONNECT_MS, () => end(false))
    socket.once(protocol === 'https:' ? 'secureConnect' : 'connect', () => end(true))
    socket.once('error', () => end(false))
  })
}
