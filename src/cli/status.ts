import type { Command } from 'commander'
import type { ServiceJson } from '../admin/present.ts'
import type { AdminClient } from './admin-client.ts'
import { CliExit, EXIT } from './cli-exit.ts'
import type { CliIo } from './cli-io.ts'
import { addReadOptions, withClient, writeJson, type ReadOptions } from './command-options.ts'
import { describeRefusal, describeWaiting, renderRefusal } from './describe-refusal.ts'
import { renderStatus } from './render-status.ts'
import { buildStyle, wrap } from './render.ts'
import { watchServices, type Look } from './watch.ts'

/** Adds `serin status [service] [--watch]`. */
export function addStatusCommand(program: Command, io: CliIo): void {
  addReadOptions(
    program
      .command('status')
      .description(
        'weights, phase, verdicts and what is missing; requests since the gateway started, metrics of this attempt',
      )
      .argument('[service]', 'one service (default: all)')
      .option('-w, --watch', 'live, until Ctrl-C; no terminal: a line for each change'),
  ).action(async (name: string | undefined, options: ReadOptions & { readonly watch?: true }) => {
    await withClient(io, options, async (client) => {
      const look = () => lookAt(client, name)
      if (options.watch === true) {
        return watchServices(io, client, { look, service: name ?? null, output: options.output })
      }
      const { services, reload, store } = await look()
      const told = [store, describeWaiting(reload)].filter((text) => text !== null)
      if (options.output === 'json') {
        if (name === undefined) return writeJson(io, { services, reload, store })
        const refusal = describeRefusal(reload)
        // One service is printed as it is: what is to be said of the gateway goes to stderr.
        for (const text of [...(refusal === null ? [] : [refusal]), ...told])
          io.stderr.write(`serin: ${text}\n`)
        return writeJson(io, services[0])
      }
      const style = buildStyle(io, io.stdout)
      // First what somebody has done just now.
      const notices = [renderRefusal(reload, style.width), ...told.map((t) => wrap(t, style.width))]
      const lines = [
        ...notices.flatMap((notice) => (notice.length === 0 ? [] : [...notice.map(style.bad), ''])),
        ...(services.length === 0
          ? ['no services are configured']
          : renderStatus(services, style, io.clock.now())),
      ]
      io.stdout.write(`${lines.join('\n')}\n`)
    })
  })
}

/** One after the other: where something else listens, the first says so. */
async function lookAt(client: AdminClient, name: string | undefined): Promise<Look> {
  const services = await readServices(client, name)
  const reload = await client.lastReload()
  const { store = 'up' } = await client.checks()
  return { services, reload, store: store === 'up' ? null : `the store is ${store}` }
}

async function readServices(
  client: AdminClient,
  name: string | undefined,
): Promise<readonly ServiceJson[]> {
  const services =
    name === undefined ? await client.services() : [(await client.service(name)).service]
  // Something else may listen there, and answer any path with JSON of its own.
  if (!Array.isArray(services) || services.some((s) => s?.weights === undefined)) {
    throw new CliExit(
      EXIT.unreachable,
      "what answers there is not serin's admin API: point to another one with --admin URL or SERIN_ADMIN",
    )
  }
  return services
}
