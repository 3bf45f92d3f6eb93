import type { Config } from '../config/config.ts'
import type { GatewayDeps, RunningGateway } from '../running-gateway.ts'
import type { forkWorker } from '../workers/fork-worker.ts'
import type { createOwnCounts } from '../workers/own-counts.ts'
import type { Supervisor } from '../workers/supervisor.ts'

/** What `serve` needs of the composition root, which is loaded only when it is. */
export type GatewayModule = {
  readonly createGateway: (config: Config, deps: GatewayDeps) => Promise<RunningGateway>
}

/** What it needs where there are several workers. */
export type SupervisorModule = {
  readonly Supervisor: typeof Supervisor
  readonly createOwnCounts: typeof createOwnCounts
  readonly forkWorker: typeof forkWorker
}
