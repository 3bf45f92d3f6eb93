import type { Command } from 'commander'
import type { ReloadStandingJson } from '../admin/configuration.ts'
import type { ServiceJson } from '../admin/present.ts'
import type { AdminClient } from './admin-client.ts'
import { CliExit, EXIT } from './cli-exit.ts'
import type { CliIo } from './cli-io.ts'
import { addReadOptions, withClient, writeJson, type ReadOptions } from './command-options.ts'
import { renderStatus } from './render-status.ts'
import { renderTime } from './render-command.ts'
import { buildStyle, wrap, type Style } from './render.ts'
import { watchServices } from './watch.ts'

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
      if (options.watch === true) {
        const read = () => readServices(client, name)
        return watchServices(io, client, { read, service: name ?? null, output: options.output })
      }
      const services = await readServices(client, name)
      if (options.output === 'json') {
        return writeJson(io, name === undefined ? { services } : services[0])
      }
      const { inForceSince, refused } = await client.lastReload()
      const { store = 'up' } = await client.checks()
      const style = buildStyle(io, io.stdout)
      const lines = [
        ...(store === 'up' ? [] : renderStore(store, style)),
        ...(refused === null ? [] : renderRefusal(inForceSince, refused, style)),
        ...(services.length === 0
          ? ['no services are configured']
          : renderStatus(services, style, io.clock.now())),
      ]
      io.stdout.write(`${lines.join('\n')}\n`)
    })
  })
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

/** While it is so, all that is shown of a rollout stands still. */
function renderStore(store: string, style: Style): readonly string[] {
  return [...wrap(`the store is ${store}`, style.width).map(style.bad), '']
}

/** A file that the gateway could not take is easily missed: what runs is still well. */
function renderRefusal(
  inForceSince: string,
  { at, problems }: NonNullable<ReloadStandingJson['refused']>,
  style: Style,
): readonly string[] {
  const more = problems.length > 1 ? ` (and ${problems.length - 1} more: \`serin check\`)` : ''
  const text = `the file read at ${renderTime(at)} was refused: ${problems[0]}${more}; the configuration of ${renderTime(inForceSince)} stays in force`
  return [...wrap(text, style.width).map(style.bad), '']
}
