import { randomUUID } from 'node:crypto'
import type { Command } from 'commander'
import { pino, type Logger } from 'pino'
import type { Config } from '../config/config.ts'
import { CliExit, EXIT } from './cli-exit.ts'
import type { CliIo, CliSignal } from './cli-io.ts'
import { DEFAULT_FILE, loadConfigFile, readConfigFile } from './config-file.ts'
import type { RunningGateway } from '../gateway.ts'
import { reloadAndLog } from '../reload.ts'

/** Adds `serin serve -c FILE`: runs the gateway until SIGTERM or SIGINT. */
export function addServeCommand(program: Command, io: CliIo): void {
  program
    .command('serve')
    .description(
      'run the gateway (a saved change of the file or SIGHUP reloads, SIGTERM drains and ends it)',
    )
    .option('-c, --config <file>', 'the configuration', DEFAULT_FILE)
    .action(({ config }: { readonly config: string }) => serve(io, config))
}

async function serve(io: CliIo, file: string): Promise<void> {
  const { config, warnings } = await readConfigFile(io, file)
  const log = createLog(io)
  for (const warning of warnings) log.warn({ warning }, 'the configuration deserves a second look')

  const gateway = await start(io, config, log, file)
  // Subscribed before the ports open: a signal that comes with the first request must not kill it.
  const signals = subscribe(io, gateway, log)
  try {
    const addresses = await gateway.listen().catch(async (error: unknown) => {
      await gateway.close()
      throw startFailure(config, error)
    })
    log.info({ ...addresses, config: file, configHash: config.hash }, 'listening')
    const signal = await signals.stopped
    log.info({ signal }, 'draining; a second signal ends at once')
    await gateway.drain()
    await signals.reloaded()
    await gateway.close()
    log.info('stopped')
  } finally {
    signals.unsubscribe()
  }
}

async function start(
  io: CliIo,
  config: Config,
  log: Logger,
  file: string,
): Promise<RunningGateway> {
  const { createGateway } = await io.loadGateway()
  try {
    return await createGateway(config, {
      log,
      clock: io.clock,
      draw: Math.random,
      newRequestId: randomUUID,
      version: io.version,
      reloadFrom: () => loadConfigFile(io, file),
    })
  } catch (error) {
    throw startFailure(config, error)
  }
}

function subscribe(
  io: CliIo,
  gateway: RunningGateway,
  log: Logger,
): {
  readonly stopped: Promise<CliSignal>
  /** Resolves when no reload is under way. */
  readonly reloaded: () => Promise<void>
  readonly unsubscribe: () => void
} {
  let resolveStopped: (signal: CliSignal) => void
  const stopped = new Promise<CliSignal>((resolve) => {
    resolveStopped = resolve
  })
  let isStopping = false
  const onStop = (signal: CliSignal, code: number) => () => {
    if (isStopping) io.exitNow(code)
    isStopping = true
    resolveStopped(signal)
  }
  let reloading: Promise<void> = Promise.resolve()
  const unsubscribes = [
    io.onSignal('SIGTERM', onStop('SIGTERM', 143)),
    io.onSignal('SIGINT', onStop('SIGINT', 130)),
    io.onSignal('SIGHUP', () => {
      reloading = reloading.then(() => reloadAndLog(gateway.reload, log))
    }),
  ]
  return {
    stopped,
    reloaded: () => reloading,
    unsubscribe: () => unsubscribes.forEach((unsubscribe) => unsubscribe()),
  }
}

function createLog(io: CliIo): Logger {
  return pino(
    {
      redact: ['req.headers.authorization', 'req.headers.cookie', 'headers.authorization'],
      timestamp: pino.stdTimeFunctions.isoTime,
    },
    { write: (text: string) => void io.stdout.write(text) },
  )
}

function startFailure(config: Config, error: unknown): CliExit {
  const { code, port, address, message } = error as NodeJS.ErrnoException & {
    readonly port?: number
    readonly address?: string
  }
  const place =
    port === config.admin.listen.port && port !== config.gateway.listen.port
      ? 'admin.listen'
      : 'gateway.listen'
  if (code === 'EADDRINUSE') {
    const text = `port ${port} of ${address} is taken by another process: end it, or choose another port (${place})`
    return new CliExit(EXIT.badInput, text)
  }
  if (code === 'EACCES' && port !== undefined) {
    const text = `may not listen on port ${port} of ${address}: take one above 1023 (${place})`
    return new CliExit(EXIT.badInput, text)
  }
  return new CliExit(EXIT.badInput, `cannot start: ${message}`)
}
