import type { Command } from 'commander'
import type { ServiceJson } from '../admin/present.ts'
import type { AdminClient } from './admin-client.ts'
import { CliExit, EXIT } from './cli-exit.ts'
import type { CliIo } from './cli-io.ts'
import { addReadOptions, withClient, writeJson, type ReadOptions } from './command-options.ts'
import { createRepainter } from './repainter.ts'
import { renderStatus } from './render-status.ts'
import { buildStyle } from './render.ts'

const WATCH_INTERVAL_MS = 1000

/** Adds `serin status [service] [--watch]`. */
export function addStatusCommand(program: Command, io: CliIo): void {
  addReadOptions(
    program
      .command('status')
      .description(
        'weights, phase, verdicts and what is missing; requests since the gateway started, metrics of this attempt',
      )
      .argument('[service]', 'one service (default: all)')
      .option('-w, --watch', 'again every second, until Ctrl-C'),
  ).action(async (name: string | undefined, options: ReadOptions & { readonly watch?: true }) => {
    await withClient(io, options, async (client) => {
      if (options.watch === true) return watch(io, options, client, name)
      const services = await readServices(client, name)
      if (options.output === 'json') {
        writeJson(io, name === undefined ? { services } : services[0])
      } else {
        io.stdout.write(`${linesOf(io, services).join('\n')}\n`)
      }
    })
  })
}

async function watch(
  io: CliIo,
  options: ReadOptions,
  client: AdminClient,
  name: string | undefined,
): Promise<void> {
  const stop = new AbortController()
  const unsubscribe = io.onSignal('SIGINT', () => stop.abort())
  const painter = createRepainter(io.stdout)
  try {
    let wasReached = false
    while (!stop.signal.aborted) {
      const services = await readServices(client, name).catch((error: unknown) => {
        // A gateway that restarts is worth waiting for; one that never answered is not.
        if (wasReached && error instanceof CliExit && error.exitCode === EXIT.unreachable) {
          return error.message
        }
        throw error
      })
      wasReached = true
      if (options.output === 'json') {
        if (typeof services !== 'string') io.stdout.write(`${JSON.stringify({ services })}\n`)
      } else {
        painter.paint(typeof services === 'string' ? [services] : linesOf(io, services))
      }
      await io.sleep(WATCH_INTERVAL_MS, stop.signal)
    }
  } finally {
    unsubscribe()
  }
}

async function readServices(
  client: AdminClient,
  name: string | undefined,
): Promise<readonly ServiceJson[]> {
  const services =
    name === undefined ? await client.services() : [(await client.service(name)).service]
  // Something else may listen there, and answer any path with JSON of its own.
  if (!Array.isArray(services) || services.some((s) => s?.weights === undefined)) {
    throw new CliExit(EXIT.unreachable, "what answers there is not serin's admin port")
  }
  return services
}

function linesOf(io: CliIo, services: readonly ServiceJson[]): readonly string[] {
  if (services.length === 0) return ['no services are configured']
  return renderStatus(services, buildStyle(io, io.stdout), io.clock.now())
}
