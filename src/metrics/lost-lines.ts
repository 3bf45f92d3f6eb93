import { Registry } from 'prom-client'
import { collectCounter } from './collect.ts'
import { DROPPED, WORKERS_ENDED } from './register-gateway.ts'
import { takeSnapshot, type MetricsSnapshot } from './take-snapshot.ts'

/** Registers the counter of the lines of the log that could not be written. */
export function registerLostLines(registry: Registry, linesLost: () => number): void {
  collectCounter(registry, {
    name: 'serin_log_lines_lost_total',
    help: 'Lines of the log that could not be written: the disk is full, or nobody reads the pipe.',
    labelNames: [],
    read: () => [[{}, linesLost()]],
  })
}

/** The same as a snapshot, with the connections that were closed at once and the workers that ended, of a process that counts nothing else. */
export function takeOwnCounts(
  linesLost: () => number,
  dropped: () => number,
  ended: () => number,
): Promise<MetricsSnapshot> {
  const registry = new Registry()
  registerLostLines(registry, linesLost)
  collectCounter(registry, { ...DROPPED, labelNames: [], read: () => [[{}, dropped()]] })
  collectCounter(registry, { ...WORKERS_ENDED, labelNames: [], read: () => [[{}, ended()]] })
  return takeSnapshot(registry)
}
