import type { Command } from 'commander'
import type { CliIo } from './cli-io.ts'
import { addReadOptions, withClient, writeJson, type ReadOptions } from './command-options.ts'

/** Adds `serin reload`: the gateway reads its file again; a bad one changes nothing. */
export function addReloadCommand(program: Command, io: CliIo): void {
  addReadOptions(
    program.command('reload').description('let the gateway read its configuration file again'),
  ).action(async (options: ReadOptions) => {
    const { changes, waiting } = await withClient(io, options, (client) => client.reload())
    if (options.output === 'json') return writeJson(io, { changes, waiting })
    const lines = changes.length === 0 ? ['nothing has changed'] : changes
    const told = waiting.map((sentence) => `in force, and waits for the store: ${sentence}`)
    io.stdout.write(`${[...lines, ...told].join('\n')}\n`)
  })
}
