import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'

/** How slowhttptest holds its connections: heads or bodies that never end, or answers that nobody reads. */
export const SLOW_MODES = ['headers', 'body', 'read'] as const

export type SlowMode = (typeof SLOW_MODES)[number]

export type SlowAttack = {
  /** Ends it; resolves when its process is gone. */
  readonly stop: () => Promise<void>
}

const FLAGS: Readonly<Record<SlowMode, readonly string[]>> = {
  headers: ['-H', '-i', '1'],
  body: ['-B', '-i', '1', '-s', '8192'],
  // A window of some bytes, and some bytes of it read every second.
  read: ['-X', '-n', '1', '-w', '256', '-y', '512', '-z', '16'],
}

/** Opens `connections` slow connections as fast as slowhttptest can, and holds them until it is stopped. */
export function startSlowAttack(url: string, mode: SlowMode, connections: number): SlowAttack {
  const count = String(connections)
  const seconds = '600'
  const child = spawn(
    'slowhttptest',
    [...FLAGS[mode], '-c', count, '-r', count, '-l', seconds, '-u', url, '-p', '30'],
    { stdio: 'ignore' },
  )
  const ended = new Promise<void>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', () => resolve())
  })
  return {
    stop: async () => {
      child.kill('SIGINT')
      await ended
    },
  }
}

/** Connections that clients hold to a port of this machine, as the kernel counts them. */
export function countConnections(port: number): number {
  const local = `:${port.toString(16).toUpperCase().padStart(4, '0')}`
  const lines = readFileSync('/proc/net/tcp', 'utf8').split('\n')
  return lines.filter((line) => {
    const [, address, , state] = line.trim().split(/\s+/)
    return address?.endsWith(local) === true && state === ESTABLISHED
  }).length
}

const ESTABLISHED = '01'
