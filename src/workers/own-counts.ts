import type { Server } from 'node:net'
import { takeOwnCounts } from '../metrics/lost-lines.ts'
import type { MetricsSnapshot } from '../metrics/take-snapshot.ts'
import { tellOfDrops, type DropDeps } from '../proxy/limit-connections.ts'
import type { WorkerEnd } from './fork-worker.ts'
import { describeEnd } from './worker-place.ts'
import { mostAdminConnections, mostHandedOn } from '../proxy/open-files.ts'

/** What the supervisor's process counts itself, and how many connections its ports hold at a time. */
export type OwnCounts = {
  readonly take: () => Promise<MetricsSnapshot>
  /**
   * Bounds a port: connections wait in it until a worker has them. Those beyond are closed at once, counted and told of;
   * without it Node closes what it has no file for, and tells nobody.
   */
  readonly boundData: (server: Server) => void
  /** The same; nobody hears of those of the admin port, as without workers. */
  readonly boundAdmin: (server: Server) => void
  /** Counts and tells of a worker, by its number, that ended and was not asked to. */
  readonly tellOfEnd: (worker: number, end: WorkerEnd) => void
}

/** `openFiles`: how many this process may have; null = there is no limit. */
export function createOwnCounts(
  deps: Pick<DropDeps, 'clock' | 'log'> & { readonly linesLost: () => number },
  workers: number,
  openFiles: number | null,
): OwnCounts {
  let dropped = 0
  let ended = 0
  const count = () => dropped++
  return {
    take: () =>
      takeOwnCounts(
        deps.linesLost,
        () => dropped,
        () => ended,
      ),
    boundData: (server) => {
      if (openFiles === null) return
      const most = mostHandedOn(openFiles, workers)
      server.maxConnections = most
      tellOfDrops(server, { ...deps, count, makeRoom: () => {} }, { most, openFiles })
    },
    boundAdmin: (server) => {
      server.maxConnections = mostAdminConnections(openFiles)
    },
    tellOfEnd: (worker, end) => {
      ended++
      deps.log.error(
        { worker, ...end },
        `worker ${worker} ${describeEnd(end)}: another one takes its place`,
      )
    },
  }
}
