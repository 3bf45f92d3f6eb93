import type { Clock } from '../domain/clock.ts'
import type { LogOutput } from '../log-output.ts'
import type { DemoModule } from './demo.ts'
import type { GatewayModule, SupervisorModule } from './gateway-module.ts'

/** Everything of the process that the commands touch: handed in, so that tests need no process. */
export type CliIo = {
  /** Without the runtime and the script. */
  readonly argv: readonly string[]
  readonly env: Readonly<Record<string, string | undefined>>
  readonly stdin: AsyncIterable<string | Uint8Array> & { readonly isTTY?: boolean }
  readonly stdout: CliOutput
  readonly stderr: CliOutput
  readonly clock: Clock
  /** Resolves after `ms`, or at once when the signal aborts. */
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>
  /** Calls back on a signal of the operating system; returns the unsubscribe. */
  readonly onSignal: (signal: CliSignal, listener: () => void) => () => void
  /** Ends the process here and now. */
  readonly exitNow: (code: number) => void
  /** serin's own version. */
  readonly version: string
  /** How many cores this process may use. */
  readonly cores: number
  /** How many files this process may have open; null = as many as it likes. */
  readonly openFiles: () => number | null
  /** Takes stdout over for the log of a gateway: an error of stdout or stderr ends nothing from then on. */
  readonly openLog: () => Promise<LogOutput>
  readonly loadGateway: () => Promise<GatewayModule>
  readonly loadSupervisor: () => Promise<SupervisorModule>
  readonly loadDemo: () => Promise<DemoModule>
}

/** The signals that a command may answer. */
export type CliSignal = 'SIGINT' | 'SIGTERM' | 'SIGHUP'

/** A terminal or a file; `columns` and `rows` are known of terminals. */
export type CliOutput = {
  readonly write: (text: string) => unknown
  /** Writes what moves the cursor, beside text that is clean; absent = `write` does (see `cleanOutput`). */
  readonly draw?: (text: string) => unknown
  readonly isTTY?: boolean | undefined
  readonly columns?: number | undefined
  readonly rows?: number | undefined
}
