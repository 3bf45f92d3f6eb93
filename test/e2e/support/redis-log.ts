import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Decision } from '../../../src/domain/decision.ts'
import { decodeRecord } from '../../../src/store/record-codec.ts'

/** A decision as Redis has written it down, and who held the lease in that moment by the same file. */
export type WrittenDecision = {
  readonly service: string
  readonly id: number
  readonly decision: Omit<Decision, 'id'>
  readonly holder: string
  readonly token: number
}

/** What Redis was told, in the order in which it happened. */
export type RedisLog = {
  /** Each change of the holder. */
  readonly leases: readonly { readonly holder: string; readonly token: number }[]
  readonly decisions: readonly WrittenDecision[]
}

/**
 * Reads the append-only file of a Redis that has never rewritten it: leases and decisions of the store with
 * this prefix. What the file says was in force when a decision was written is asked of nobody else.
 */
export function readRedisLog(folder: string, prefix = 'serin'): RedisLog {
  const root = `{${prefix}}:`
  const leases: { holder: string; token: number }[] = []
  const decisions: WrittenDecision[] = []
  const counts = new Map<string, number>()
  let lease = { holder: '', token: 0 }
  const file = join(folder, 'appendonlydir', 'appendonly.aof.1.incr.aof')
  for (const [name, key, ...values] of readCommands(readFileSync(file))) {
    const command = String(name).toUpperCase()
    if (command === 'HSET' && String(key) === `${root}lease`) {
      const fields = new Map(
        values.flatMap((value, i) => (i % 2 === 0 ? [[String(value), String(values[i + 1])]] : [])),
      )
      const next = {
        holder: fields.get('holder') ?? lease.holder,
        token: Number(fields.get('token') ?? lease.token),
      }
      if (next.holder !== lease.holder) leases.push(next)
      lease = next
    }
    if (command === 'RPUSH' && String(key).startsWith(`${root}decisions:`)) {
      const service = String(key).slice(`${root}decisions:`.length)
      const id = (counts.get(service) ?? 0) + 1
      counts.set(service, id)
      decisions.push({ service, id, decision: decodeRecord(values[0]!), ...lease })
    }
  }
  return { leases, decisions }
}

/** The commands of an append-only file, each an array of its words. */
function* readCommands(file: Buffer): Generator<readonly Buffer[]> {
  let at = 0
  const line = () => {
    const end = file.indexOf('\r\n', at)
    const text = file.toString('latin1', at, end)
    at = end + 2
    return text
  }
  while (at < file.length) {
    const count = Number(line().slice(1))
    yield Array.from({ length: count }, () => {
      const bytes = Number(line().slice(1))
      const word = file.subarray(at, at + bytes)
      at += bytes + 2
      return word
    })
  }
}
