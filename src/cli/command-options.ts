import { InvalidArgumentError, Option, type Command } from 'commander'
import type { AdminClient } from './admin-client.ts'
import { CliExit, EXIT } from './cli-exit.ts'
import type { CliIo } from './cli-io.ts'
import { DEFAULT_ADMIN } from './default-admin.ts'

/** Options of every command that asks the gateway. */
export type AdminOptions = { readonly admin?: string; readonly token?: string }

/** Options of every command that reads. */
export type ReadOptions = AdminOptions & { readonly output: 'table' | 'json' }

/** Adds `--admin` and `--token`. */
export function addAdminOptions(command: Command): Command {
  return command
    .option('--admin <url>', `the gateway's admin API (SERIN_ADMIN, ${DEFAULT_ADMIN})`)
    .option('--token <token>', 'a token of the configuration (better: SERIN_TOKEN)')
}

/** Adds `--admin`, `--token` and `-o table|json`. */
export function addReadOptions(command: Command): Command {
  return addAdminOptions(command).addOption(
    new Option('-o, --output <format>', 'how to print it')
      .choices(['table', 'json'])
      .default('table'),
  )
}

/** Runs `use` with a client of the gateway that the options or the environment name, and closes it. */
export async function withClient<T>(
  io: CliIo,
  options: AdminOptions,
  use: (client: AdminClient) => Promise<T>,
): Promise<T> {
  const { createAdminClient } = await import('./admin-client.ts')
  const client = createAdminClient(readAdmin(io, options))
  try {
    return await use(client)
  } finally {
    await client.close()
  }
}

/** Where the admin API is and which token it is shown, by the options, else by the environment. */
export function readAdmin(
  io: Pick<CliIo, 'env'>,
  options: AdminOptions,
): { readonly url: string; readonly token: string | null } {
  const token = options.token ?? nonEmpty(io.env['SERIN_TOKEN']) ?? null
  if (token !== null && !/^[!-~]+$/.test(token)) {
    throw new CliExit(
      EXIT.badInput,
      'the token has a blank, a line end or another character that no header carries (--token or SERIN_TOKEN): is it the whole of a file?',
    )
  }
  return {
    url: options.admin ?? nonEmpty(io.env['SERIN_ADMIN']) ?? DEFAULT_ADMIN,
    token,
  }
}

/** Reads a whole number ≥ `min` of an argument or option. */
export function parseCount(min: number): (text: string) => number {
  return (text) => {
    const count = /^\d{1,15}$/.test(text) ? Number(text) : NaN
    if (count >= min) return count
    throw new InvalidArgumentError(`Give a whole number from ${min}.`)
  }
}

/** Writes a value as indented JSON. */
export function writeJson(io: CliIo, value: unknown): void {
  io.stdout.write(`${JSON.stringify(value, null, 2)}\n`)
}

/** Everything that has content; an empty variable of the environment counts as not set. */
function nonEmpty(text: string | undefined): string | undefined {
  return text === '' ? undefined : text
}

/** Reads `--reason`; an option in its place (`--reason --full`) would be logged as the reason, and be missing. */
export function parseReason(text: string): string {
  if (text.startsWith('--'))
    throw new InvalidArgumentError('It is the next option: a reason comes before it, in quotes.')
  return text
}
