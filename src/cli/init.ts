import { writeFile } from 'node:fs/promises'
import { InvalidArgumentError, type Command } from 'commander'
import { CliExit, EXIT } from './cli-exit.ts'
import type { CliIo } from './cli-io.ts'
import { DEFAULT_FILE } from './config-file.ts'
import { buildFirstConfig } from './first-config.ts'

type InitOptions = {
  readonly service: string
  readonly baseline: string
  readonly canary: string
  readonly path?: string
  readonly out: string
  readonly force?: true
}

/** Adds `serin init`: writes a first configuration, commented, that `check` accepts. */
export function addInitCommand(program: Command, io: CliIo): void {
  program
    .command('init')
    .description('write a first configuration')
    .option('--service <name>', 'name of the model endpoint', parseName, 'my-model')
    .option(
      '--baseline <url>',
      'server of the version in use',
      parseOrigin,
      'http://127.0.0.1:8001',
    )
    .option('--canary <url>', 'server of the new version', parseOrigin, 'http://127.0.0.1:8002')
    .option(
      '--path <path>',
      'requests of the endpoint (default: /v2/models/<service>/*)',
      parsePath,
    )
    .option('--out <file>', 'where to write it', DEFAULT_FILE)
    .option('--force', 'overwrite a file that is there')
    .action(async (options: InitOptions) => {
      const { service, baseline, canary, out, force } = options
      const path = options.path ?? `/v2/models/${service}/*`
      await write(out, buildFirstConfig({ service, baseline, canary, path }), force === true)
      io.stdout.write(`wrote ${out}; next: serin check -c ${out}, then serin serve -c ${out}\n`)
    })
}

async function write(file: string, text: string, overwrite: boolean): Promise<void> {
  try {
    await writeFile(file, text, { flag: overwrite ? 'w' : 'wx' })
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    const why = code === 'EEXIST' ? `${file} is there already; --force overwrites it` : message
    throw new CliExit(EXIT.badInput, why)
  }
}

function parseOrigin(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : null
  if (url?.protocol === 'http:' && text.replace(/\/$/, '') === url.origin) return url.origin
  throw new InvalidArgumentError('Write it as http://10.0.0.1:8000, without a path.')
}

function parseName(text: string): string {
  if (/^[a-z0-9](?:[a-z0-9._-]*[a-z0-9])?$/.test(text)) return text
  throw new InvalidArgumentError('Use lower-case letters, digits, dots and dashes.')
}

function parsePath(text: string): string {
  if (/^\/[\w.~!$&()+,;=:@%/-]*\*?$/.test(text)) return text
  throw new InvalidArgumentError('Write it as /v2/models/my-model/* (or without the star).')
}
