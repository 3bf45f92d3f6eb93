import { readFileSync } from 'node:fs'

/** What a gateway has open beside connections: store, log, ports, checks. */
const OWN_FILES = 48

/** Connections to the admin port that no limit of files forbids. */
const ADMIN_CONNECTIONS = 1_024

/** What the sizing of docs/operations.md adds for a gateway that is as busy as it may be. */
const SPARE_FILES = 1_000

/**
 * How many files, and so connections, this process may have open (Linux: the soft limit, which Node raises to the
 * hard one at its start); null = there is no limit, or none that is told.
 */
export function readOpenFilesLimit(): number | null {
  try {
    return parseOpenFilesLimit(readFileSync('/proc/self/limits', 'utf8'))
  } catch {
    return null
  }
}

/** The soft limit of open files out of `/proc/PID/limits` (proc_pid_limits(5)); null = unlimited. */
export function parseOpenFilesLimit(limits: string): number | null {
  const found = /^Max open files\s+(\d+)/m.exec(limits)
  return found === null ? null : Number(found[1])
}

/** How many files a gateway with so many requests in flight should be allowed: two for each, and some more. */
export function openFilesWanted(inFlight: number): number {
  return 2 * inFlight + SPARE_FILES
}

/**
 * How many connections of clients the data port may have, so that of `limit` files some are left for upstreams (one
 * for each request in flight, but no more than clients have), the store and the admin port. At least 1.
 */
export function mostConnections(limit: number, inFlight: number): number {
  const room = limit - OWN_FILES - mostAdminConnections(limit)
  return Math.max(1, Math.floor(room - Math.min(inFlight, room / 2)))
}

/**
 * How many connections of clients a process may hold that hands them on to `workers`, so that of `limit` files some are left for
 * the admin port and its pipes, three to each of them. At least 1.
 */
export function mostHandedOn(limit: number, workers: number): number {
  return Math.max(1, limit - OWN_FILES - 3 * workers - mostAdminConnections(limit))
}

/**
 * How many connections the admin port may have, so that whoever opens many there takes none of the data port's: a
 * sixteenth of `limit` files (null = there is no limit), from 16 to 1,024.
 */
export function mostAdminConnections(limit: number | null): number {
  return Math.max(16, Math.min(ADMIN_CONNECTIONS, Math.floor((limit ?? Infinity) / 16)))
}
