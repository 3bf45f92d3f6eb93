import { execFileSync } from 'node:child_process'
import { readFileSync, readdirSync } from 'node:fs'

const TICKS_PER_SECOND = Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }))

/**
 * Seconds of CPU, user and system, that a process, its threads and its living descendants have used
 * (proc_pid_stat(5), fields utime and stime). Resolution: one tick, mostly 10 ms.
 */
export function cpuSeconds(pid: number): number {
  const processes = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap(readStat)
  const family = new Set([pid])
  // Children may stand before their parents in the listing: repeat until nobody joins.
  for (let size = 0; size < family.size;) {
    size = family.size
    for (const { id, parent } of processes) if (family.has(parent)) family.add(id)
  }
  const ticks = processes
    .filter(({ id }) => family.has(id))
    .reduce((sum, stat) => sum + stat.ticks, 0)
  return ticks / TICKS_PER_SECOND
}

/** Empty when the process ended while the listing was read. */
function readStat(id: string): { id: number; parent: number; ticks: number }[] {
  try {
    const text = readFileSync(`/proc/${id}/stat`, 'latin1')
    // The second field is the command's name in parentheses, which may hold anything.
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
    return [
      { id: Number(id), parent: Number(fields[1]), ticks: Number(fields[11]) + Number(fields[12]) },
    ]
  } catch {
    return []
  }
}
