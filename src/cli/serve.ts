import { randomUUID } from 'node:crypto'
import type { Command } from 'commander'
import type { Logger } from 'pino'
import type { Config } from '../config/config.ts'
import { CliExit, EXIT } from './cli-exit.ts'
import type { CliIo, CliSignal } from './cli-io.ts'
import { DEFAULT_FILE, loadConfigFileApart, readConfigFile } from './config-file.ts'
import type { LogOutput } from '../log-output.ts'
import { openFilesWanted } from '../proxy/open-files.ts'
import { reloadAndLog, reloadFrom } from '../reload.ts'
import type { RunningGateway } from '../running-gateway.ts'

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
  const { createLog } = await import('../create-log.ts')
  const output = await io.openLog()
  const log = createLog(output)
  for (const warning of warnings) log.warn({ warning }, 'the configuration deserves a second look')
  warnOfFewFiles(io, config, log)

  const { gateway, failed } = await start(io, config, { output, log }, file)
  // Subscribed before the ports open: a signal that comes with the first request must not kill it.
  const signals = subscribe(io, gateway, log)
  try {
    const addresses = await gateway.listen().catch(async (error: unknown) => {
      await gateway.close()
      throw startFailure(config, error)
    })
    log.info({ ...addresses, config: file, configHash: config.hash }, 'listening')
    const signal = await Promise.race([signals.stopped, failed]).catch(async (error: unknown) => {
      await gateway.close()
      throw startFailure(config, error)
    })
    log.info({ signal }, 'draining; a second signal ends at once')
    await gateway.drain().catch(async (error: Error) => {
      await gateway.close()
      throw new CliExit(EXIT.badInput, error.message)
    })
    await signals.reloaded()
    await gateway.close()
    log.info('stopped')
  } finally {
    signals.unsubscribe()
  }
}

/** Each process of the gateway has the limit that this one has. */
function warnOfFewFiles(io: CliIo, config: Config, log: Logger): void {
  const openFiles = io.openFiles()
  const wanted = openFilesWanted(config.gateway.limits.inFlight)
  if (openFiles === null || openFiles >= wanted) return
  log.warn(
    { openFiles, wanted },
    'few files may be open: raise the limit (ulimit -n, LimitNOFILE), or lower gateway.limits.inFlight',
  )
}

/** A gateway that does not listen yet; `failed` rejects when it cannot go on, and never resolves. */
type Started = { readonly gateway: RunningGateway; readonly failed: Promise<never> }

async function start(
  io: CliIo,
  config: Config,
  { output, log }: { readonly output: LogOutput; readonly log: Logger },
  file: string,
): Promise<Started> {
  const { clock, version } = io
  const readConfig = () => loadConfigFileApart(io, file)
  const linesLost = () => output.lost
  const workers = config.gateway.workers === 'auto' ? io.cores : config.gateway.workers
  if (workers > 1) {
    const { Supervisor, createOwnCounts, forkWorker } = await io.loadSupervisor()
    const { sleep } = io
    const fork = () => forkWorker({ stdout: output, stderr: io.stderr })
    const gateway = new Supervisor(config, {
      log,
      own: createOwnCounts({ log, clock, linesLost }, workers, io.openFiles()),
      clock,
      version,
      workers,
      fork,
      sleep,
      every,
      readConfig,
    })
    return { gateway, failed: gateway.failed }
  }
  const { createGateway } = await io.loadGateway()
  try {
    const gateway = await createGateway(config, {
      ...{ log, linesLost, clock, version },
      draw: Math.random,
      newRequestId: randomUUID,
      reload: (prepare) => reloadFrom(readConfig, prepare),
      siblings: null,
    })
    return { gateway, failed: NEVER }
  } catch (error) {
    throw startFailure(config, error)
  }
}

const NEVER = new Promise<never>(() => {})

function every(ms: number, run: () => void, signal: AbortSignal): void {
  const timer = setInterval(run, ms).unref()
  signal.addEventListener('abort', () => clearInterval(timer), { once: true })
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
