import { execFileSync } from 'node:child_process'
import { readFileSync, readdirSync } from 'node:fs'

const TICKS_PER_SECOND = Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }))
const PAGE_BYTES = Number(execFileSync('getconf', ['PAGESIZE'], { encoding: 'utf8' }))

/** What a process, its threads and its living descendants use together. */
export type FamilyUsage = {
  /** User and system time so far, in seconds. Resolution: one tick, mostly 10 ms. */
  readonly cpuSeconds: number
  /** Resident memory now, in bytes; pages that processes share count in each of them. */
  readonly rssBytes: number
  /** Of it, pages of files: programs, libraries, and a store's map, which the kernel takes back when it needs them. */
  readonly fileBytes: number
}

/** Reads proc_pid_stat(5), utime, stime and rss, and proc_pid_statm(5), shared, of the whole family of `pid`. */
export function readFamilyUsage(pid: number): FamilyUsage {
  const processes = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap(readStat)
  const family = new Set([pid])
  // Children may stand before their parents in the listing: repeat until nobody joins.
  for (let size = 0; size < family.size;) {
    size = family.size
    for (const { id, parent } of processes) if (family.has(parent)) family.add(id)
  }
  const members = processes.filter(({ id }) => family.has(id))
  const total = (of: 'ticks' | 'pages' | 'filePages') =>
    members.reduce((sum, member) => sum + member[of], 0)
  return {
    cpuSeconds: total('ticks') / TICKS_PER_SECOND,
    rssBytes: total('pages') * PAGE_BYTES,
    fileBytes: total('filePages') * PAGE_BYTES,
  }
}

type Stat = {
  readonly id: number
  readonly parent: number
  readonly ticks: number
  readonly pages: number
  readonly filePages: number
}

/** Empty when the process ended while the listing was read. */
function readStat(id: string): Stat[] {
  try {
    const text = readFileSync(`/proc/${id}/stat`, 'latin1')
    // The second field is the command's name in parentheses, which may hold anything.
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
    const field = (number: number) => Number(fields[number - 3])
    const filePages = Number(readFileSync(`/proc/${id}/statm`, 'latin1').split(' ')[2])
    const ticks = field(14) + field(15)
    return [{ id: Number(id), parent: field(4), ticks, pages: field(24), filePages }]
  } catch {
    return []
  }
}
