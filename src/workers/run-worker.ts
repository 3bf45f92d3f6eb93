import type { Socket } from 'node:net'
import type { Config } from '../config/config.ts'
import { createLog } from '../create-log.ts'
import type { Clock } from '../domain/clock.ts'
import type { LogOutput } from '../log-output.ts'
import type { PreparedReload } from '../reload.ts'
import type { GatewayDeps, WorkerGateway } from '../running-gateway.ts'
import { createDialogue, type Port } from './dialogue.ts'
import type { DoorName } from './fork-worker.ts'
import { Scrapes } from './scrapes.ts'
import type { SupervisorApi, WorkerApi } from './worker-api.ts'

/** What a worker needs of its process. */
export type WorkerDeps = {
  /** To the supervisor. */
  readonly port: Port
  /** Calls back with each connection that the supervisor hands over. */
  readonly onConnection: (listener: (to: DoorName, socket: Socket) => void) => void
  readonly createGateway: (config: Config, deps: GatewayDeps) => Promise<WorkerGateway>
  readonly output: LogOutput
  readonly clock: Clock
  /** A fresh number in [0, 1). */
  readonly draw: () => number
  readonly newRequestId: () => string
}

/** Runs one worker: it does what its supervisor asks, and ends with it. */
export function runWorker(deps: WorkerDeps): void {
  let starting: Promise<WorkerGateway> | null = null
  const scrapes = new Scrapes()
  let prepared: Extract<PreparedReload, { ok: true }> | null = null
  const open = async (config: Config, given: GatewayDeps) => {
    const opened = await deps.createGateway(config, given)
    try {
      await opened.listen()
    } catch (error) {
      await opened.close()
      throw error
    }
    return opened
  }
  const gateway = () => starting ?? Promise.reject(new Error('this worker was not started'))

  const answers: WorkerApi = {
    start: async ({ number, config, version }) => {
      const { clock, draw, newRequestId, output } = deps
      const log = createLog(output, { worker: number })
      starting = open(config, {
        ...{ log, clock, draw, newRequestId, version },
        linesLost: () => output.lost,
        reload: () => supervisor.ask('reload'),
        siblings: {
          metrics: () => supervisor.ask('metrics'),
          figures: (service) => supervisor.ask('figures', service),
          abort: (service, order) => supervisor.ask('abort', service, order),
          workers: () => supervisor.ask('workers'),
          onLead: (leads) => void supervisor.ask('leads', leads),
        },
      })
      const { holder } = await starting
      return { holder }
    },
    prepare: async (loaded) => {
      const next = await (await gateway()).prepareReload(loaded)
      if (!next.ok) return next
      prepared = next
      return { ok: true }
    },
    take: async () => {
      const { take } = prepared!
      prepared = null
      return take()
    },
    discard: async () => {
      prepared!.discard()
      prepared = null
    },
    snapshot: async (scrape) => scrapes.next(scrape, (await gateway()).snapshot),
    figures: async (service) => (await gateway()).figures(service),
    abort: async (service, order) => (await gateway()).abortHere(service, order),
    succeed: async (holder) => (await gateway()).succeed(holder),
    beat: async () => {},
    drain: async () => (await gateway()).drain(),
    close: async () => (await gateway()).close(),
  }
  const supervisor = createDialogue<SupervisorApi>(deps.port, answers)
  deps.onConnection((to, socket) => {
    gateway().then(
      ({ serveConnection }) => serveConnection(to, socket),
      () => socket.destroy(),
    )
  })
}
