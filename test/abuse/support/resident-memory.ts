import { readFileSync } from 'node:fs'

/** Resident memory of a process, in MiB. */
export function readResidentMib(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)![1]) / 1024
}

/** How memory went over a run, by the medians of two of its quarters. */
export type Growth = {
  readonly secondMib: number
  readonly lastMib: number
  /** What the last quarter may be at most. */
  readonly mostMib: number
}

const SHARE = 1.1
const GRACE_MIB = 20

/**
 * Judges samples taken at a steady pace: memory is flat when the median of the last quarter is at most a tenth
 * and 20 MiB above that of the second quarter. The first quarter is the warm-up: compiled code, the first
 * tables, buffers of the store. Medians, because single samples stand before or after a collection.
 */
export function judgeGrowth(samples: readonly number[]): Growth {
  const quarter = Math.floor(samples.length / 4)
  const secondMib = median(samples.slice(quarter, 2 * quarter))
  const lastMib = median(samples.slice(samples.length - quarter))
  return { secondMib, lastMib, mostMib: SHARE * secondMib + GRACE_MIB }
}

function median(samples: readonly number[]): number {
  const sorted = [...samples].sort((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)]!
}
